//! The main header of a JPEG 2000 code stream (ISO/IEC 15444-1, annex A), and what it costs to
//! believe it.

use super::boxes::number;

/// The first bytes of every code stream: its start and the marker of its size.
pub(super) const START: &[u8] = b"\xff\x4f\xff\x51";
/// Marker of a part of a tile.
pub(super) const SOT: u64 = 0xff90;
/// Marker of the end.
pub(super) const EOC: u64 = 0xffd9;
/// Bytes of the smallest part of a tile without its packets.
const SMALLEST_PART: u64 = 14;
/// Bytes that the decoder takes per tile, and per component of a tile, before it reads any.
const TILE_COST: [u64; 2] = [8192, 1280];
/// The most bytes it may take so.
const MOST_TILE_COST: u64 = 1 << 30;
/// Blocks of coefficients that a file of any size may have.
const FREE_BLOCKS: u64 = 1 << 20;

/// Why a header is not read.
#[derive(Debug, PartialEq)]
pub(super) enum Flaw {
    Corrupt(String),
    /// What is not supported, and a way on.
    Unsupported(String, &'static str),
}

/// What the main header says. Lengths and places are `y, x`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CodeStream {
    /// The image on the reference grid.
    pub start: [u64; 2],
    pub end: [u64; 2],
    /// The first tile and the size of all.
    pub tile_start: [u64; 2],
    pub tile: [u64; 2],
    pub components: u64,
    pub bits: u32,
    pub signed: bool,
    /// Versions of the image, each half as large as the one before.
    pub resolutions: u32,
    /// Whether all coefficients are whole numbers, so that nothing need be lost.
    pub reversible: bool,
    /// Part 15 of the standard, called HTJ2K.
    pub high_throughput: bool,
    /// The header without the markers that point into the tiles; `None` where tiles cannot be read
    /// apart from each other.
    pub header: Option<Vec<u8>>,
    /// Byte of the first tile, where the header ends within what was read.
    pub first_part: Option<u64>,
    /// Blocks of coefficients and packets of one component of one tile.
    blocks: u64,
}

/// How a component is coded (COD and COC).
struct Coding {
    decompositions: u32,
    /// Exponents of the size of a block, `y, x`.
    block: [u32; 2],
    /// Exponents of the size of a precinct per resolution, the smallest first.
    precincts: Vec<[u32; 2]>,
    reversible: bool,
}

impl CodeStream {
    /// Reads the main header from the first bytes of a code stream.
    pub fn parse(bytes: &[u8]) -> Result<CodeStream, Flaw> {
        let corrupt = |what: &str| Flaw::Corrupt(format!("code stream: {what}"));
        if !bytes.starts_with(START) {
            return Err(corrupt("no SIZ marker at its beginning"));
        }
        let mut header = bytes[..2].to_vec();
        let (mut stream, mut codings) = (None, Vec::new());
        let mut apart = true;
        let mut at = 2;
        let mut first_part = None;
        while let Some(head) = bytes.get(at..at + 4) {
            let (marker, length) = (number(&head[..2]), number(&head[2..]) as usize);
            if marker == SOT {
                first_part = Some(at as u64);
                break;
            }
            if length < 2 || marker < 0xff00 {
                return Err(corrupt(&format!("marker {marker:04x} at byte {at}")));
            }
            let Some(segment) = bytes.get(at + 4..at + 2 + length) else { break };
            let wide = stream.as_ref().is_some_and(|s: &CodeStream| s.components > 256);
            match marker {
                0xff51 if stream.is_none() => stream = Some(CodeStream::sizes(segment)?),
                0xff50 => {
                    if let Some(stream) = &mut stream {
                        stream.high_throughput = true;
                    }
                }
                0xff52 => codings.push(Coding::of_all(segment).ok_or(corrupt("COD marker"))?),
                0xff53 => {
                    codings.push(Coding::of_one(segment, wide).ok_or(corrupt("COC marker"))?);
                }
                // Headers of packets of all tiles, one after the other.
                0xff60 => apart = false,
                _ => {}
            }
            // TLM and PLM: lengths of tiles and packets in the order of the file.
            if !matches!(marker, 0xff55 | 0xff57) {
                header.extend_from_slice(&bytes[at..at + 2 + length]);
            }
            at += 2 + length;
        }
        let mut stream = stream.ok_or(corrupt("the SIZ marker is cut"))?;
        if codings.is_empty() {
            return Err(corrupt("no COD marker"));
        }
        let size = [0, 1].map(|d| stream.tile[d].min(stream.end[d]));
        stream.blocks = codings.iter().map(|c| c.blocks(size)).max().unwrap_or(0);
        stream.resolutions = 1 + codings.iter().map(|c| c.decompositions).min().unwrap_or_default();
        stream.reversible = codings.iter().all(|c| c.reversible);
        stream.header = (apart && first_part.is_some()).then_some(header);
        stream.first_part = first_part;
        Ok(stream)
    }

    /// Reads the SIZ marker segment.
    fn sizes(segment: &[u8]) -> Result<CodeStream, Flaw> {
        let corrupt = |what: String| Flaw::Corrupt(format!("code stream: {what}"));
        let n = |at: usize| segment.get(at..at + 4).map_or(0, number);
        let components = segment.get(34..36).map_or(0, number);
        let parts = segment.get(36..36 + 3 * components as usize).unwrap_or_default();
        let Some(first) = parts.get(..3).filter(|_| components <= 16_384) else {
            return Err(corrupt(format!("a SIZ marker of {components} components")));
        };
        let (end, start) = ([n(6), n(2)], [n(14), n(10)]);
        let (tile, tile_start) = ([n(22), n(18)], [n(30), n(26)]);
        let empty = (0..2).any(|d| {
            let first_end = tile_start[d] + tile[d];
            tile[d] == 0 || start[d] >= end[d] || tile_start[d] > start[d] || first_end <= start[d]
        });
        if empty || end.iter().any(|e| *e > i32::MAX as u64) {
            return Err(corrupt(format!("a picture {start:?} to {end:?} in tiles of {tile:?}")));
        }
        if parts.chunks_exact(3).any(|c| c[1..] != [1, 1]) {
            let hint = "save it with all components of one size (no chroma subsampling)";
            return Err(Flaw::Unsupported("JPEG 2000 with subsampled components".to_owned(), hint));
        }
        let (bits, signed) = (u32::from(first[0] & 0x7f) + 1, first[0] & 0x80 != 0);
        if parts.chunks_exact(3).any(|c| c[0] != first[0]) {
            let hint = "save all components with one sample type";
            let what = "JPEG 2000 with components of different depths".to_owned();
            return Err(Flaw::Unsupported(what, hint));
        }
        if bits > 31 {
            let what = format!("JPEG 2000 with samples of {bits} bits");
            return Err(Flaw::Unsupported(what, "save it with 16 bits"));
        }
        Ok(CodeStream {
            start,
            end,
            tile_start,
            tile,
            components,
            bits,
            signed,
            resolutions: 1,
            reversible: false,
            high_throughput: false,
            header: None,
            first_part: None,
            blocks: 0,
        })
    }

    /// Rows and columns of a resolution, 0 being the whole.
    pub fn size(&self, level: u32) -> [u64; 2] {
        [0, 1].map(|d| self.end[d].div_ceil(1 << level) - self.start[d].div_ceil(1 << level))
    }

    /// How many tiles there are along `y, x`.
    pub fn tiles(&self) -> [u64; 2] {
        [0, 1].map(|d| (self.end[d] - self.tile_start[d]).div_ceil(self.tile[d]))
    }

    /// Says whether a code stream of so many bytes can hold what its header promises.
    pub fn check(&self, bytes: u64) -> Result<(), Flaw> {
        let tiles: u64 = self.tiles().iter().product();
        let c = self.components;
        let least = tiles.saturating_mul(SMALLEST_PART + c);
        if tiles > 65_535 || least > bytes {
            let what = format!("{tiles} tiles of {c} components in {bytes} bytes");
            return Err(Flaw::Corrupt(format!("code stream: {what}")));
        }
        if self.blocks.saturating_mul(c) > FREE_BLOCKS + bytes {
            let [height, width] = self.size(0);
            let what = format!("{width} x {height} pixels of {c} components in {bytes} bytes");
            return Err(Flaw::Corrupt(format!("code stream: {what}")));
        }
        if tiles.saturating_mul(TILE_COST[0] + c * TILE_COST[1]) > MOST_TILE_COST {
            let what = format!("JPEG 2000 with {tiles} tiles of {c} components");
            return Err(Flaw::Unsupported(what, "save it with larger tiles"));
        }
        Ok(())
    }
}

impl Coding {
    /// Reads a COD marker segment.
    fn of_all(segment: &[u8]) -> Option<Coding> {
        Coding::read(*segment.first()?, segment.get(5..)?)
    }

    /// Reads a COC marker segment.
    fn of_one(segment: &[u8], wide: bool) -> Option<Coding> {
        let rest = segment.get(if wide { 2 } else { 1 }..)?;
        Coding::read(*rest.first()?, rest.get(1..)?)
    }

    fn read(style: u8, bytes: &[u8]) -> Option<Coding> {
        let [decompositions, x, y, _, transform]: [u8; 5] = bytes.get(..5)?.try_into().ok()?;
        // The standard's own limits: at most 32 decompositions, blocks of 4 to 1024.
        if decompositions > 32 || x > 8 || y > 8 {
            return None;
        }
        let precincts = match style & 1 {
            0 => vec![[15, 15]; usize::from(decompositions) + 1],
            _ => bytes
                .get(5..6 + usize::from(decompositions))?
                .iter()
                .map(|b| [u32::from(b >> 4), u32::from(b & 15)])
                .collect(),
        };
        let block = [u32::from(y) + 2, u32::from(x) + 2];
        let decompositions = u32::from(decompositions);
        Some(Coding { decompositions, block, precincts, reversible: transform == 1 })
    }

    /// Blocks and precincts of a component of a tile of this size: what a decoder sets up for it.
    fn blocks(&self, size: [u64; 2]) -> u64 {
        let at = |(r, precinct): (usize, &[u32; 2])| {
            let smaller = self.decompositions.saturating_sub(r as u32);
            let count = |exponents: [u32; 2]| {
                (0..2).fold(1u64, |n, d| {
                    let length = size[d].div_ceil(1 << smaller);
                    n.saturating_mul(length.div_ceil(1 << exponents[d]) + 1)
                })
            };
            // Above the smallest resolution a precinct covers half as much of each band.
            let inner = [0, 1].map(|d| precinct[d].saturating_sub(u32::from(r > 0)));
            let blocks = count([0, 1].map(|d| self.block[d].min(inner[d])));
            blocks.saturating_add(count(*precinct))
        };
        self.precincts.iter().enumerate().map(at).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// SIZ and COD of one component of 16 bits.
    fn header(end: [u32; 2], tile: [u32; 2], component: [u8; 3]) -> Vec<u8> {
        let mut bytes = START.to_vec();
        bytes.extend(41u16.to_be_bytes());
        bytes.extend([0, 0]);
        for n in [end[1], end[0], 0, 0, tile[1], tile[0], 0, 0] {
            bytes.extend(n.to_be_bytes());
        }
        bytes.extend([0, 1]);
        bytes.extend(component);
        bytes.extend([0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4, 0, 1]);
        bytes.extend([0xff, 0x90, 0, 10]);
        bytes
    }

    #[test]
    fn a_header_says_sizes_levels_and_depth() {
        let stream = CodeStream::parse(&header([37, 53], [37, 53], [15, 1, 1])).unwrap();
        assert_eq!((stream.bits, stream.signed, stream.resolutions), (16, false, 6));
        assert_eq!((stream.size(0), stream.size(1), stream.size(5)), ([37, 53], [19, 27], [2, 2]));
        assert!(stream.reversible && stream.first_part.is_some());
        stream.check(2000).unwrap();
        let signed = CodeStream::parse(&header([37, 53], [8, 8], [0x8b, 1, 1])).unwrap();
        assert_eq!((signed.bits, signed.signed, signed.tiles()), (12, true, [5, 7]));
    }

    #[test]
    fn what_cannot_be_true_or_read_is_refused() {
        let parse = |end, tile, component| CodeStream::parse(&header(end, tile, component));
        assert!(matches!(parse([8, 8], [8, 8], [7, 2, 2]), Err(Flaw::Unsupported(..))));
        assert!(matches!(parse([8, 8], [8, 8], [37, 1, 1]), Err(Flaw::Unsupported(..))));
        assert!(matches!(parse([8, 8], [0, 8], [7, 1, 1]), Err(Flaw::Corrupt(_))));
        assert!(matches!(parse([0, 8], [8, 8], [7, 1, 1]), Err(Flaw::Corrupt(_))));
        // Tiles and blocks that so few bytes cannot hold.
        let many = parse([4096, 4096], [8, 8], [7, 1, 1]).unwrap();
        assert!(matches!(many.check(100_000), Err(Flaw::Corrupt(_))));
        let large = parse([1 << 30, 1 << 30], [1 << 30, 1 << 30], [7, 1, 1]).unwrap();
        assert!(matches!(large.check(100_000), Err(Flaw::Corrupt(_))));
    }
}
