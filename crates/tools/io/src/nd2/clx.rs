//! The binary metadata of version 3: records of type, name and value.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::node::Node;

/// Deepest nesting; real files have about 12.
const MOST_LEVELS: usize = 64;
/// Most bytes of packed metadata, unpacked.
const MOST_UNPACKED: u64 = 64 << 20;

/// Parses a chunk of metadata; the error says what is wrong and where.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, String> {
    let mut at = 0;
    records(bytes, &mut at, bytes.len(), u64::MAX, 0).map(Node::List)
}

fn records(
    bytes: &[u8],
    at: &mut usize,
    end: usize,
    count: u64,
    level: usize,
) -> Result<Vec<(String, Node)>, String> {
    if level > MOST_LEVELS {
        return Err(format!("metadata nested deeper than {MOST_LEVELS} at byte {at}"));
    }
    let mut list = Vec::new();
    while *at < end && (list.len() as u64) < count {
        let begin = *at;
        let [kind, letters] = take(bytes, at)?;
        if kind == 76 {
            // Two bytes of kind, ten of sizes; the rest is packed.
            let packed = bytes.get(begin + 12..end).ok_or("packed metadata is cut")?;
            *at = end;
            let unpacked = unpack(packed)?;
            let mut inner = 0;
            list.extend(records(&unpacked, &mut inner, unpacked.len(), u64::MAX, level + 1)?);
            break;
        }
        let name = utf16(slice(bytes, at, 2 * usize::from(letters))?);
        let node = match kind {
            1 => Node::Flag(take::<1>(bytes, at)? != [0]),
            2 => Node::Int(i64::from(i32::from_le_bytes(take(bytes, at)?))),
            3 => Node::Uint(u64::from(u32::from_le_bytes(take(bytes, at)?))),
            4 => Node::Int(i64::from_le_bytes(take(bytes, at)?)),
            5 | 7 => Node::Uint(u64::from_le_bytes(take(bytes, at)?)),
            6 => Node::Float(f64::from_le_bytes(take(bytes, at)?)),
            8 => Node::Text(text(bytes, at)?),
            9 => {
                let length = u64::from_le_bytes(take(bytes, at)?);
                let length = usize::try_from(length).map_err(|_| cut(*at))?;
                Node::Bytes(slice(bytes, at, length)?.to_vec())
            }
            11 => {
                let children = u32::from_le_bytes(take(bytes, at)?);
                let length = u64::from_le_bytes(take(bytes, at)?);
                let stop = usize::try_from(length).ok().and_then(|n| begin.checked_add(n));
                let stop = stop.filter(|s| (*at..=end).contains(s)).ok_or_else(|| cut(begin))?;
                let inner = records(bytes, at, stop, u64::from(children), level + 1)?;
                // After the children stands a table of their offsets.
                *at = stop.saturating_add(8 * children as usize).min(end);
                Node::List(inner)
            }
            other => {
                return Err(format!("metadata record of unknown kind {other} at byte {begin}"));
            }
        };
        list.push((name, node));
    }
    Ok(list)
}

fn cut(at: usize) -> String {
    format!("metadata is cut at byte {at}")
}

fn slice<'a>(bytes: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], String> {
    let end = at.checked_add(length).filter(|e| *e <= bytes.len()).ok_or_else(|| cut(*at))?;
    let part = &bytes[*at..end];
    *at = end;
    Ok(part)
}

fn take<const N: usize>(bytes: &[u8], at: &mut usize) -> Result<[u8; N], String> {
    let part = slice(bytes, at, N)?;
    Ok(part.try_into().expect("the slice has N bytes"))
}

/// UTF-16 up to its zero.
fn text(bytes: &[u8], at: &mut usize) -> Result<String, String> {
    let rest = bytes.get(*at..).unwrap_or_default();
    let units = rest.as_chunks::<2>().0.iter().position(|u| *u == [0, 0]);
    let units = units.ok_or_else(|| format!("a text at byte {at} has no end"))?;
    let text = utf16(&rest[..2 * units]);
    *at += 2 * units + 2;
    Ok(text)
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|u| u16::from_le_bytes(*u)).collect();
    String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(MOST_UNPACKED + 1);
    decoder.read_to_end(&mut unpacked).map_err(|e| format!("packed metadata: {e}"))?;
    if unpacked.len() as u64 > MOST_UNPACKED {
        return Err(format!("packed metadata unpacks to more than {MOST_UNPACKED} bytes"));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn record(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let mut bytes = vec![kind, name.len() as u8];
        name.iter().for_each(|u| bytes.extend(u.to_le_bytes()));
        bytes.extend(value);
        bytes
    }

    fn level(name: &str, children: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = record(11, name, &(children.len() as u32).to_le_bytes());
        let length = bytes.len() + 8 + children.iter().map(Vec::len).sum::<usize>();
        bytes.extend((length as u64).to_le_bytes());
        children.iter().for_each(|c| bytes.extend(c));
        bytes.extend(vec![0; 8 * children.len()]);
        bytes
    }

    #[test]
    fn every_kind_of_value_is_read_and_levels_nest() {
        let mut text: Vec<u8> = "µm".encode_utf16().flat_map(u16::to_le_bytes).collect();
        text.extend([0, 0]);
        let mut raw = 3u64.to_le_bytes().to_vec();
        raw.extend([7, 8, 9]);
        let inner = [
            record(1, "b", &[1]),
            record(2, "i", &(-5i32).to_le_bytes()),
            record(6, "d", &0.5f64.to_le_bytes()),
            record(8, "s", &text),
            record(9, "raw", &raw),
        ];
        let mut bytes = level("top", &inner);
        bytes.extend(record(3, "after", &9u32.to_le_bytes()));
        let tree = parse(&bytes).unwrap();
        assert_eq!(tree.at(&["top", "b"]), Some(&Node::Flag(true)));
        assert_eq!(tree.at(&["top", "i"]), Some(&Node::Int(-5)));
        assert_eq!(tree.at(&["top", "d"]).unwrap().number(), Some(0.5));
        assert_eq!(tree.at(&["top", "s"]).unwrap().text(), Some("µm"));
        assert_eq!(tree.at(&["top", "raw"]), Some(&Node::Bytes(vec![7, 8, 9])));
        assert_eq!(tree.count_of("after"), Some(9));
    }

    #[test]
    fn packed_metadata_is_unpacked() {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&record(3, "n", &4u32.to_le_bytes())).unwrap();
        let mut bytes = vec![76, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(packer.finish().unwrap());
        assert_eq!(parse(&bytes).unwrap().count_of("n"), Some(4));
    }

    #[test]
    fn damage_is_an_error_never_a_panic() {
        let whole = level("a", &[level("b", &[record(2, "i", &[1, 2, 3, 4])])]);
        for length in 0..whole.len() {
            let _ = parse(&whole[..length]);
        }
        for i in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[i] ^= 0xFF;
            let _ = parse(&flipped);
        }
        let mut deep = Vec::new();
        for _ in 0..200 {
            deep = level("x", &[deep]);
        }
        assert!(parse(&deep).unwrap_err().contains("nested deeper"));
    }
}
