//! Films: what can be one, and what is in the file.

use std::path::Path;

use hooke_core::Dtype;
use hooke_io::video::check_mp4;

use crate::harness::*;

#[test]
fn only_movies_of_bytes_become_films() {
    let refused = |axes: &str, shape: [u64; 5], dtype: Dtype| {
        let error = check_mp4(Path::new("a.mp4"), &described("a", axes, shape, dtype)).unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    let (what, hint) = refused("tzyx", [5, 1, 3, 32, 40], Dtype::Uint8);
    assert!(what.contains("3 planes") && hint.contains("--z"), "{what} {hint}");
    let (what, hint) = refused("tyx", [5, 1, 1, 32, 40], Dtype::Uint16);
    assert!(what.contains("uint16") && hint.contains("--cast scale"), "{what} {hint}");
    let (what, hint) = refused("tyx", [5, 1, 1, 9, 40], Dtype::Uint8);
    assert!(what.contains("40 x 9 pixels") && hint.contains("--rescale"), "{what} {hint}");
    let whole = described("a", "tcyx", [5, 3, 1, 32, 40], Dtype::Uint8);
    let answer = check_mp4(Path::new("a.mp4"), &whole);
    match cfg!(feature = "video") {
        true => assert!(answer.is_ok()),
        false => assert!(answer.unwrap_err().to_string().contains("built without video")),
    }
}

#[cfg(feature = "video")]
#[test]
fn a_film_shows_its_frames() {
    use hooke_core::{ImageSink, Pixels, Region};
    use openh264::formats::YUVSource;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    // A bright square that wanders; odd sides lose their last line.
    let shape = [12, 1, 1, 65, 81];
    let at = |t: u64, y: u64, x: u64| (y / 8, x / 8) == (t / 4, t / 2);
    let mut values = Vec::new();
    for t in 0..12 {
        for y in 0..65 {
            values.extend((0..81).map(|x| if at(t, y, x) { 220u8 } else { 40 }));
        }
    }
    let pixels = Pixels::from_vec(shape, values);
    let meta = described("a", "tyx", shape, Dtype::Uint8);
    let write = || {
        let sink = hooke_io::video::create_mp4(&path, &meta, 10.0).unwrap();
        for t in 0..12 {
            let frame = Region::new([t, 0, 0, 0, 0], [1, 1, 1, 65, 81]);
            let mut block = Pixels::zeros(Dtype::Uint8, frame.shape);
            block.copy_box([0; 5], &pixels, &frame);
            sink.write(0, &frame, &block).unwrap();
        }
        sink.finish().unwrap();
        std::fs::read(&path).unwrap()
    };
    let bytes = write();
    assert!(bytes == write(), "the same bytes again");
    assert_eq!(&bytes[4..8], b"ftyp");
    // The samples of the track, each NAL unit behind its length, as a stream for the decoder.
    let find = |name: &[u8]| bytes.windows(4).position(|w| w == name).unwrap();
    let (avcc, mdat) = (&bytes[find(b"avcC") + 4..], &bytes[find(b"mdat") + 4..]);
    let long = |b: &[u8]| usize::from(b[0]) << 8 | usize::from(b[1]);
    let sps = &avcc[8..8 + long(&avcc[6..])];
    let rest = &avcc[8 + sps.len() + 1..];
    let pps = &rest[2..2 + long(rest)];
    let mut decoder = openh264::decoder::Decoder::new().unwrap();
    let mut stream = [&[0, 0, 0, 1], sps, &[0, 0, 0, 1], pps].concat();
    decoder.decode(&stream).unwrap();
    let (mut rest, mut frames) = (mdat, 0u64);
    while rest.len() > 4 && frames < 12 {
        let n = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        stream = [&[0, 0, 0, 1], &rest[4..4 + n]].concat();
        rest = &rest[4 + n..];
        let Some(picture) = decoder.decode(&stream).unwrap() else { continue };
        assert_eq!(picture.dimensions(), (80, 64));
        let stride = picture.strides().0;
        for (y, x) in [(4, 4), (20, 44), (60, 76), (12, 20)] {
            let wanted = if at(frames, y, x) { 220i32 } else { 40 };
            let found = i32::from(picture.y()[y as usize * stride + x as usize]);
            assert!(
                (found - wanted).abs() < 12,
                "frame {frames} at {y}, {x}: {found} for {wanted}"
            );
        }
        frames += 1;
    }
    assert_eq!(frames, 12);
}
