//! Damaged, lying and huge TIFF files: a value or an error, soon, in bounded memory.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hooke_core::{Dataset, Dtype, Pixels, ReadStatus, Region};
use hooke_io::tiff::{self, Compression, Kind, TiffSink, WriteOptions};
use hooke_io::{ChunkCache, Error, OpenOptions};

use crate::harness::{
    Dice, check_damage, check_regions, conformance, described, pattern, read_whole, write_blocks,
};

fn tiffs() -> Vec<PathBuf> {
    let Some(folder) = conformance() else { return Vec::new() };
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "tif")).collect();
    paths.sort();
    paths
}

#[test]
fn cut_and_flipped_files_of_every_kind_give_a_value_or_an_error() {
    for path in tiffs() {
        check_damage(&path, &[]);
    }
}

#[test]
fn regions_are_the_same_through_a_cache() {
    for path in tiffs() {
        let how = OpenOptions { cache: Some(ChunkCache::new(1 << 20).into()), ..how() };
        let cached = tiff::open(&path, &how).unwrap();
        let plain = tiff::open(&path, &self::how()).unwrap();
        for (a, b) in cached.images().iter().zip(plain.images()) {
            assert!(read_whole(a.as_ref()) == read_whole(b.as_ref()));
            check_regions(a.as_ref(), 6);
        }
    }
}

fn how() -> OpenOptions {
    OpenOptions::default()
}

fn rescue() -> OpenOptions {
    OpenOptions { rescue: true, ..how() }
}

/// One entry of a classic little-endian directory.
fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
        .concat()
}

/// A classic file with one directory at byte 8, then `rest`.
fn one_page(entries: &[Vec<u8>], next: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend(entries.concat());
    bytes.extend(next.to_le_bytes());
    bytes.extend(rest);
    bytes
}

fn gray(width: u32, height: u32, more: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut entries = vec![
        entry(256, 4, 1, width),
        entry(257, 4, 1, height),
        entry(258, 3, 1, 8),
        entry(262, 3, 1, 1),
        entry(278, 4, 1, height),
    ];
    entries.extend_from_slice(more);
    entries.sort_by_key(|e| u16::from_le_bytes([e[0], e[1]]));
    entries
}

fn open_bytes(bytes: Vec<u8>) -> Result<tiff::TiffDataset, Error> {
    tiff::open_bytes(bytes, Path::new("a.tif"), &how())
}

fn refusal(bytes: Vec<u8>) -> String {
    open_bytes(bytes).err().expect("the file is bad").to_string()
}

#[test]
fn cycles_absurd_counts_and_missing_tags_are_named() {
    let strips = [entry(273, 4, 1, 0), entry(279, 4, 1, 0)];
    let text = refusal(one_page(&gray(4, 4, &strips), 8, &[0; 100]));
    assert_eq!(text, "a.tif: corrupt: the chain of pages returns to byte 8 after page 1");
    let text = refusal(one_page(&[entry(256, 4, 1, 4)], 0, &[]));
    assert!(text.contains("no tag 257"), "{text}");
    let many = [entry(273, 4, 0x4000_0000, 0), entry(279, 4, 1, 0)];
    let text = refusal(one_page(&gray(4, 4, &many), 0, &[]));
    assert!(text.contains("tag 273 has 1073741824 values"), "{text}");
    let text = refusal(b"II*\0\xF0\xFF\xFF\xFF".to_vec());
    assert!(text.contains("truncated"), "{text}");
    let text = refusal(one_page(&gray(4, 4, &[entry(259, 3, 1, 34925)]), 0, &[]));
    assert!(text.contains("34925 (LZMA)"), "{text}");
    assert!(matches!(open_bytes(Vec::new()).err().unwrap(), Error::Unrecognised { .. }));
}

#[test]
fn a_small_file_that_promises_a_huge_chunk_allocates_nothing() {
    // 40 000 x 40 000 pixels in one deflate strip of 16 bytes.
    let strips = [entry(259, 3, 1, 8), entry(273, 4, 1, 200), entry(279, 4, 1, 16)];
    let bytes = one_page(&gray(40_000, 40_000, &strips), 0, &[0x55; 300]);
    let dataset = open_bytes(bytes).unwrap();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let part = Region::new([0; 5], [1, 1, 1, 8, 8]);
    let error = dataset.images()[0].read(0, &part, &mut out).unwrap_err();
    assert!(error.to_string().contains("promises 1600000000 bytes from 16"), "{error}");
}

#[test]
fn a_strip_that_expands_beyond_its_size_is_a_bomb() {
    let mut z = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    z.write_all(&[7; 100_000]).unwrap();
    let packed = z.finish().unwrap();
    let strips =
        [entry(259, 3, 1, 8), entry(273, 4, 1, 200), entry(279, 4, 1, packed.len() as u32)];
    let mut bytes = one_page(&gray(10, 10, &strips), 0, &[]);
    bytes.resize(200, 0);
    bytes.extend(packed);
    let dataset = open_bytes(bytes).unwrap();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let error = dataset.images()[0].read(0, &Region::whole([1, 1, 1, 10, 10]), &mut out);
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("a.tif: corrupt: plane t=0 c=0 z=0: strip 0"), "{text}");
    assert!(text.ends_with("decodes to more than the 100 bytes that were promised"), "{text}");
}

#[test]
fn a_cut_stack_is_named_and_rescued_plane_by_plane() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let shape = [1, 1, 6, 40, 50];
    let meta = described("a", "zyx", shape, Dtype::Uint16);
    let pixels = pattern(Dtype::Uint16, shape, 1);
    // ImageJ's planes stand before all but the first directory: the cut takes three planes and those.
    let sink = TiffSink::create(&path, &meta, &WriteOptions::of(Kind::ImageJ)).unwrap();
    write_blocks(&sink, &pixels, [1; 5]);
    let bytes = std::fs::read(&path).unwrap();
    let mut third = Vec::new();
    pixels.crop(&Region::new([0, 0, 2, 0, 0], [1, 1, 1, 40, 50])).extend_le_bytes(&mut third);
    let at = bytes.windows(4000).position(|w| w == third).unwrap();
    std::fs::write(&path, &bytes[..at + 5000]).unwrap();
    let text = tiff::open(&path, &how()).err().unwrap().to_string();
    assert!(text.contains("truncated: the directory of the second page needs"), "{text}");
    let dataset = tiff::open(&path, &rescue()).unwrap();
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let status = dataset.images()[0].read(0, &Region::whole(shape), &mut out).unwrap();
    let ReadStatus::MissingFilled(missing) = status else { panic!("planes are lost") };
    assert_eq!(missing.iter().map(|p| p.z).collect::<Vec<_>>(), [3, 4, 5]);
    let kept = Region::new([0; 5], [1, 1, 3, 40, 50]);
    assert!(out.crop(&kept) == pixels.crop(&kept));
    let lost = Region::new([0, 0, 3, 0, 0], [1, 1, 3, 40, 50]);
    assert!(out.crop(&lost) == Pixels::zeros(Dtype::Uint16, lost.shape));
}

#[test]
fn opening_does_not_depend_on_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    // ImageJ: 2 GiB of planes behind one directory.
    let text = b"ImageJ=1.54f\nimages=2048\nslices=2048\n\0";
    let size = 1u32 << 20;
    let entries = gray(
        1024,
        1024,
        &[entry(270, 2, text.len() as u32, 300), entry(273, 4, 1, 4096), entry(279, 4, 1, size)],
    );
    let mut bytes = one_page(&entries, 0, &[]);
    bytes.resize(300, 0);
    bytes.extend(text);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_len(4096 + 2048 * u64::from(size)).unwrap();
    file.seek(SeekFrom::Start(4096 + 2047 * u64::from(size) + 5)).unwrap();
    file.write_all(&[9]).unwrap();
    drop(file);
    let before = crate::harness::peak_resident();
    let dataset = tiff::open(&path, &how()).unwrap();
    let meta = dataset.images()[0].meta();
    assert_eq!((meta.axes.to_string().as_str(), meta.shape[2]), ("zyx", 2048));
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let part = Region::new([0, 0, 2047, 0, 4], [1, 1, 1, 1, 3]);
    dataset.images()[0].read(0, &part, &mut out).unwrap();
    assert_eq!(out.as_slice::<u8>().unwrap(), [0, 9, 0]);
    assert!(crate::harness::peak_resident() - before < 32 << 20);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let text = tiff::open(&path, &how()).err().unwrap().to_string();
    assert!(
        text.contains("the block of 2048 planes at byte 4096 needs 2147487744 bytes"),
        "{text}"
    );
}

#[test]
fn opening_an_ome_tiff_reads_one_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ome.tif");
    let shape = [1, 1, 500, 16, 16];
    let meta = described("a", "zyx", shape, Dtype::Uint8);
    let options =
        WriteOptions { compression: Some(Compression::None), ..WriteOptions::of(Kind::Ome) };
    let sink = TiffSink::create(&path, &meta, &options).unwrap();
    let pixels = pattern(Dtype::Uint8, shape, 1);
    write_blocks(&sink, &pixels, [1, 1, 500, 16, 16]);
    // Without the second half of the chain the file still opens; only its last planes are lost.
    let bytes = std::fs::read(&path).unwrap();
    let cut = bytes[..bytes.len() - 20_000].to_vec();
    let dataset = tiff::open_bytes(cut, &path, &how()).unwrap();
    let image = &dataset.images()[0];
    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
    let first = Region::new([0; 5], [1, 1, 100, 16, 16]);
    image.read(0, &first, &mut out).unwrap();
    assert!(out == pixels.crop(&first));
    let error = image.read(0, &Region::whole(shape), &mut out).unwrap_err().to_string();
    assert!(error.contains("truncated: plane t=0 c=0 z="), "{error}");
}

#[test]
fn packed_half_planar_and_big_endian_samples_are_read() {
    // 12 bits: two rows of three samples, each row padded to whole bytes.
    let rows = [0x12, 0x3A, 0xBC, 0xFF, 0xF0, 0x00, 0x10, 0x02, 0x00, 0x30];
    let strips = [entry(273, 4, 1, 200), entry(279, 4, 1, 10)];
    let mut entries = gray(3, 2, &strips);
    entries.iter_mut().find(|e| e[0] == 2 && e[1] == 1).unwrap()[8] = 12;
    let mut bytes = one_page(&entries, 0, &[]);
    bytes.resize(200, 0);
    bytes.extend(rows);
    let dataset = open_bytes(bytes).unwrap();
    let meta = dataset.images()[0].meta();
    assert_eq!((meta.stored_dtype.as_str(), meta.significant_bits), ("uint12", 12));
    assert!(dataset.problems().iter().any(|p| p.code == "dtype-widened"));
    let pixels = read_whole(dataset.images()[0].as_ref());
    assert_eq!(pixels.as_slice::<u16>().unwrap(), [0x123, 0xABC, 0xFFF, 1, 2, 3]);
    check_regions(dataset.images()[0].as_ref(), 8);
}

#[test]
fn a_mutated_ome_text_never_panics() {
    let Some(folder) = conformance() else { return };
    let original = std::fs::read(folder.join("ome_tczyx.ome.tif")).unwrap();
    let start = original.windows(4).position(|w| w == b"<OME").unwrap();
    let mut refused = 0;
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut bytes = original.clone();
        for _ in 0..1 + dice.below(3) {
            let at = start + dice.below((bytes.len() - start) as u64) as usize;
            bytes[at] = b"0123456789\"<>/= &aZ"[dice.below(19) as usize];
        }
        match open_bytes(bytes) {
            Ok(dataset) => {
                for image in dataset.images() {
                    let block = image.levels()[0].shape.map(|n| n.min(40));
                    let mut out = Pixels::zeros(Dtype::Uint8, [0; 5]);
                    let _ = image.read(0, &Region::whole(block), &mut out);
                }
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10, "{refused}");
}
