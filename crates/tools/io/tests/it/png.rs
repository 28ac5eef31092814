//! PNG pictures: conformance, round trips, colours, few bits, damage.

use hooke_core::{Dtype, ImageSink, Region, region};
use hooke_io::png::PngSink;
use hooke_io::{OpenOptions, open};

use crate::harness::*;

#[test]
fn a_file_of_libpng_agrees() {
    let Some(folder) = conformance() else { return };
    check_conformance(&folder, "gray_u16.png", 1e-9);
    check_damage(&folder.join("gray_u16.png"), &[]);
}

#[test]
fn grey_and_colours_of_8_and_16_bits_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [Dtype::Uint8, Dtype::Uint16] {
        for (axes, channels) in [("yx", 1), ("cyx", 3)] {
            let path = folder.path().join(format!("{dtype}_{channels}.png"));
            let shape = [1, channels, 1, 23, 31];
            let pixels = pattern(dtype, shape, 9);
            let meta = described("a", axes, shape, dtype);
            let sink = PngSink::create(&path, &meta).unwrap();
            for block in region::grid(shape, [1, channels, 1, 7, 31]) {
                sink.write(0, &block, &pixels.crop(&block)).unwrap();
            }
            sink.finish().unwrap();
            let dataset = open(&path, &OpenOptions::default()).unwrap();
            let image = dataset.images()[0].as_ref();
            assert_eq!((image.meta().axes.to_string().as_str(), image.meta().shape), (axes, shape));
            assert!(read_whole(image) == pixels, "{dtype} {axes}");
            check_regions(image, 10);
            let names: Vec<_> =
                image.meta().channels.iter().filter_map(|c| c.name.as_deref()).collect();
            assert_eq!(names.len(), if channels == 3 { 3 } else { 0 });
            check_damage(&path, &[]);
        }
    }
}

#[test]
fn what_a_picture_cannot_hold_is_refused_with_a_way_on() {
    let path = std::path::Path::new("a.png");
    let refused = |axes, shape, dtype| {
        let error = PngSink::create(path, &described("a", axes, shape, dtype)).err().unwrap();
        format!("{error}; {}", error.hint().unwrap())
    };
    let text = refused("zyx", [1, 1, 5, 4, 4], Dtype::Uint8);
    assert!(text.contains("5 planes") && text.contains("--to image-folder"), "{text}");
    let text = refused("cyx", [1, 2, 1, 4, 4], Dtype::Uint8);
    assert!(text.contains("2 channels"), "{text}");
    let text = refused("yx", [1, 1, 1, 4, 4], Dtype::Float32);
    assert!(text.contains("float32") && text.contains("--cast scale"), "{text}");
}

#[test]
fn masks_of_one_bit_keep_their_numbers_and_palettes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, color, depth, rows: &[u8], width| {
        let path = folder.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = png::Encoder::new(file, width, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == png::ColorType::Indexed {
            encoder.set_palette(vec![0; 6]);
        }
        encoder.write_header().unwrap().write_image_data(rows).unwrap();
        path
    };
    let gray = png::ColorType::Grayscale;
    let mask = write("1.png", gray, png::BitDepth::One, &[0b1010_0000, 0x80, 0b0111_1111, 0x00], 9);
    let dataset = open(&mask, &OpenOptions::default()).unwrap();
    let image = dataset.images()[0].as_ref();
    assert_eq!(image.meta().stored_dtype, "uint1");
    let row = Region::new([0; 5], [1, 1, 1, 1, 9]);
    assert_eq!(read(image, 0, &row).as_slice::<u8>().unwrap(), [1, 0, 1, 0, 0, 0, 0, 0, 1]);
    let nibbles = write("4.png", gray, png::BitDepth::Four, &[0x1f, 0x20, 0x34, 0x50], 3);
    let dataset = open(&nibbles, &OpenOptions::default()).unwrap();
    let pixels = read_whole(dataset.images()[0].as_ref());
    assert_eq!(pixels.as_slice::<u8>().unwrap(), [1, 15, 2, 3, 4, 5]);
    let palette = write("p.png", png::ColorType::Indexed, png::BitDepth::Eight, &[0, 1, 1, 0], 2);
    let error = open(&palette, &OpenOptions::default()).err().unwrap();
    assert!(error.to_string().contains("palette"), "{error}");
}
