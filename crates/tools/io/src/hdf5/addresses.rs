//! Where the header of every dataset lies, to know what an object reference names.
//!
//! The crate resolves references, but not those inside sequences of variable length, which is how
//! dimension scales are attached. Source: HDF5 file format 3.0, sections III and IV.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rust_hdf5::format::dense_link::read_dense_links;
use rust_hdf5::format::messages::continuation::ContinuationMessage;
use rust_hdf5::format::messages::link::{LinkMessage, LinkTarget};
use rust_hdf5::format::messages::link_info::LinkInfoMessage;
use rust_hdf5::format::messages::{
    MSG_FLAG_SHARED, MSG_LINK, MSG_LINK_INFO, MSG_OBJ_HEADER_CONTINUATION, MSG_SYMBOL_TABLE,
};
use rust_hdf5::format::object_header::ObjectHeader;
use rust_hdf5::format::superblock::{SuperblockV0V1, SuperblockV2V3, detect_superblock_version};
use rust_hdf5::format::{BlockReader, FormatContext, FormatError, FormatResult};

use super::attributes::{u32_at, u64_at};

/// Bytes of a header that are read at first; most are shorter.
const PROBE: usize = 4096;
/// Longest header that is believed, all its parts together.
const LARGEST_HEADER: u64 = 16 << 20;
/// Nodes of a group's tree that are followed.
const MOST_NODES: usize = 4096;
/// Groups within groups that are followed.
const DEEPEST: usize = 64;

/// Addresses of the headers of the datasets with these full paths (without a leading `/`).
///
/// `None` when the groups cannot be followed: metadata never hides pixels.
pub(crate) fn addresses(path: &Path, datasets: &[String]) -> Option<HashMap<u64, String>> {
    let find = || {
        let names = Names::of(datasets);
        let mut walk = Walk::open(path)?;
        let root = walk.root()?;
        let mut found = HashMap::new();
        walk.group(root, "", &names, &mut HashSet::new(), &mut found)?;
        Ok::<_, FormatError>(found)
    };
    catch_unwind(AssertUnwindSafe(find)).ok()?.ok()
}

/// The datasets that are looked for, and the groups above them.
struct Names<'a> {
    datasets: HashSet<&'a str>,
    groups: HashSet<&'a str>,
}

impl Names<'_> {
    fn of(datasets: &[String]) -> Names<'_> {
        let above = |name: &'_ str| name.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
        Names {
            datasets: datasets.iter().map(String::as_str).collect(),
            groups: datasets.iter().flat_map(|d| above(d).into_iter().map(|at| &d[..at])).collect(),
        }
    }
}

struct Walk {
    file: File,
    size: u64,
    /// Bytes before the superblock.
    base: u64,
    context: FormatContext,
}

/// A message of an object's header: its type and its content.
type Message = (u8, Vec<u8>);

impl Walk {
    fn open(path: &Path) -> FormatResult<Walk> {
        let file = File::open(path).map_err(|e| bad(e.to_string()))?;
        let size = file.metadata().map_err(|e| bad(e.to_string()))?.len();
        Ok(Walk { file, size, base: 0, context: FormatContext::default_v3() })
    }

    /// Address of the root group's header.
    fn root(&mut self) -> FormatResult<u64> {
        let mut at = 0;
        while !self.read_block(at, 8)?.starts_with(super::MAGIC) {
            at = if at == 0 { 512 } else { at * 2 };
            if at >= self.size {
                return Err(bad("no signature"));
            }
        }
        let head = self.read_block(at, 256)?;
        self.base = at;
        let (sizes, root) = if detect_superblock_version(&head)? < 2 {
            let block = SuperblockV0V1::decode(&head)?;
            let root = block.root_symbol_table_entry.obj_header_addr;
            ([block.sizeof_offsets, block.sizeof_lengths], root)
        } else {
            let block = SuperblockV2V3::decode(&head)?;
            let root = block.root_group_object_header_address;
            ([block.sizeof_offsets, block.sizeof_lengths], root)
        };
        if sizes == [8, 8] { Ok(root) } else { Err(bad("short addresses")) }
    }

    fn group(
        &mut self,
        at: u64,
        path: &str,
        names: &Names<'_>,
        seen: &mut HashSet<u64>,
        found: &mut HashMap<u64, String>,
    ) -> FormatResult<()> {
        if !seen.insert(at) || path.matches('/').count() > DEEPEST {
            return Ok(());
        }
        for (name, address) in self.links(at)? {
            let full = if path.is_empty() { name } else { format!("{path}/{name}") };
            if names.datasets.contains(full.as_str()) {
                found.insert(address, full);
            } else if names.groups.contains(full.as_str()) {
                self.group(address, &full, names, seen, found)?;
            }
        }
        Ok(())
    }

    /// Names and addresses of what a group holds itself.
    fn links(&mut self, at: u64) -> FormatResult<Vec<(String, u64)>> {
        let mut links = Vec::new();
        let hard = |link: LinkMessage| match link.target {
            LinkTarget::Hard { address } => Some((link.name, address)),
            _ => None,
        };
        for (kind, data) in self.header(at)? {
            match kind {
                MSG_LINK => links.extend(hard(LinkMessage::decode(&data, &self.context)?.0)),
                MSG_LINK_INFO => {
                    let info = LinkInfoMessage::decode(&data, &self.context)?.0;
                    let context = self.context;
                    let dense = read_dense_links(&info, &context, self)?;
                    links.extend(dense.into_iter().filter_map(hard));
                }
                MSG_SYMBOL_TABLE => {
                    let tree = u64_at(&data, 0).ok_or_else(|| bad("a symbol table"))?;
                    let heap = u64_at(&data, 8).ok_or_else(|| bad("a symbol table"))?;
                    self.symbols(tree, heap, &mut links)?;
                }
                _ => {}
            }
        }
        Ok(links)
    }

    /// All messages of an object's header.
    fn header(&mut self, at: u64) -> FormatResult<Vec<Message>> {
        let mut bytes = self.read_block(at, PROBE)?;
        if let Err(FormatError::BufferTooShort { needed, .. }) = ObjectHeader::decode_any(&bytes)
            && needed as u64 <= LARGEST_HEADER
        {
            bytes = self.read_block(at, needed)?;
        }
        let header = ObjectHeader::decode_any(&bytes)?.0;
        let place = header.has_creation_order();
        let whole = header.messages.into_iter().filter(|m| m.flags & MSG_FLAG_SHARED == 0);
        let mut messages: Vec<Message> = whole.map(|m| (m.msg_type, m.data)).collect();
        let (mut next, mut total) = (0, 0);
        while let Some((kind, data)) = messages.get(next) {
            next += 1;
            if *kind != MSG_OBJ_HEADER_CONTINUATION {
                continue;
            }
            let part = ContinuationMessage::decode(data, &self.context)?.0;
            // Also where parts lead in a circle.
            total += part.length.clamp(16, LARGEST_HEADER + 1);
            if total > LARGEST_HEADER {
                return Err(bad("a header without end"));
            }
            let bytes = self.read_block(part.offset, part.length as usize)?;
            messages.extend(continued(&bytes, place));
        }
        Ok(messages)
    }

    /// The entries of a group as HDF5 before 1.8 writes them.
    fn symbols(
        &mut self,
        tree: u64,
        heap: u64,
        links: &mut Vec<(String, u64)>,
    ) -> FormatResult<()> {
        let wrong = || bad("a group's table of symbols");
        let head = self.read_block(heap, 32)?;
        let (Some(size), Some(data)) = (u64_at(&head, 8), u64_at(&head, 24)) else {
            return Err(wrong());
        };
        if !head.starts_with(b"HEAP") || size > LARGEST_HEADER {
            return Err(wrong());
        }
        let names = self.read_block(data, size as usize)?;
        let mut nodes = vec![tree];
        let mut visited = HashSet::new();
        while let Some(at) = nodes.pop() {
            if !visited.insert(at) || visited.len() > MOST_NODES {
                return Err(wrong());
            }
            let head = self.read_block(at, 8)?;
            let count = head.get(6..8).map_or(0, |b| usize::from(b[0]) | usize::from(b[1]) << 8);
            if head.starts_with(b"TREE") {
                let children = self.read_block(at + 24, count * 16)?;
                nodes.extend((0..count).filter_map(|i| u64_at(&children, 16 * i + 8)));
                continue;
            }
            if !head.starts_with(b"SNOD") {
                return Err(wrong());
            }
            for entry in self.read_block(at + 8, count * 40)?.chunks_exact(40) {
                // Soft links, of kind 2, name no object.
                let (Some(name), Some(to), Some(0 | 1)) =
                    (u64_at(entry, 0), u64_at(entry, 8), u32_at(entry, 16))
                else {
                    continue;
                };
                let name = usize::try_from(name).ok().and_then(|n| names.get(n..));
                let name = name.and_then(|n| n.split(|b| *b == 0).next()).ok_or_else(wrong)?;
                links.push((String::from_utf8_lossy(name).into_owned(), to));
            }
        }
        Ok(())
    }
}

impl BlockReader for Walk {
    fn read_block(&mut self, offset: u64, len: usize) -> FormatResult<Vec<u8>> {
        let at = offset.checked_add(self.base).filter(|at| *at <= self.size);
        let at = at.ok_or_else(|| bad("an address behind the end"))?;
        let mut bytes = vec![0; len.min((self.size - at) as usize)];
        self.file.read_exact_at(&mut bytes, at).map_err(|e| bad(e.to_string()))?;
        Ok(bytes)
    }
}

fn bad(what: impl Into<String>) -> FormatError {
    FormatError::InvalidData(what.into())
}

/// The messages of a further part of a header; `place` is whether each notes its creation order.
fn continued(bytes: &[u8], place: bool) -> Vec<Message> {
    let mut messages = Vec::new();
    let new = bytes.starts_with(b"OCHK");
    let (mut at, end) = if new { (4, bytes.len().saturating_sub(4)) } else { (0, bytes.len()) };
    let head = if !new {
        8
    } else if place {
        6
    } else {
        4
    };
    while let Some(prefix) = bytes.get(at..at + head).filter(|_| at + head <= end) {
        let (kind, size, flags) = if new {
            (prefix[0], [prefix[1], prefix[2]], prefix[3])
        } else {
            (prefix[0], [prefix[2], prefix[3]], prefix[4])
        };
        let begin = at + head;
        let Some(data) = bytes.get(begin..begin + usize::from(u16::from_le_bytes(size))) else {
            break;
        };
        if flags & MSG_FLAG_SHARED == 0 {
            messages.push((kind, data.to_vec()));
        }
        at = begin + data.len();
        if !new {
            at = at.next_multiple_of(8);
        }
    }
    messages
}
