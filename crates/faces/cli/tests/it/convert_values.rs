//! What `hooke convert` computes on its way: joined, divided, subtracted, resampled, scaled.

use crate::hooke::Bench;

/// A `.npy` file of these values.
fn npy(bench: &Bench, name: &str, shape: &[usize], values: &[u16]) {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut head = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({shape}), }}");
    head.push_str(&" ".repeat((64 - (11 + head.len()) % 64) % 64));
    head.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bench.write(name, bytes);
}

/// The values of a `.npy` file of uint16.
fn values(bench: &Bench, name: &str) -> Vec<u16> {
    let bytes = std::fs::read(bench.path(name)).unwrap();
    let head = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    assert!(String::from_utf8_lossy(&bytes[..head]).contains("<u2"));
    bytes[head..].as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)).collect()
}

fn image(bench: &Bench, name: &str) -> serde_json::Value {
    bench.json(&format!("info {name}"))["files"][0]["images"][0].clone()
}

/// Values without a pattern that a mistake could keep.
fn noise(len: usize) -> Vec<u16> {
    let mut state = 12_345_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 18) as u16
    };
    std::iter::repeat_with(next).take(len).collect()
}

#[test]
fn several_inputs_follow_each_other() {
    let bench = Bench::new();
    let all = noise(5 * 3 * 4);
    npy(&bench, "a.npy", &[2, 3, 4], &all[..24]);
    npy(&bench, "b.npy", &[3, 3, 4], &all[24..]);
    bench.ok("convert a.npy b.npy -o z.npy -q");
    assert_eq!(values(&bench, "z.npy"), all);
    assert_eq!(image(&bench, "z.npy")["shape"], serde_json::json!([5, 3, 4]));
    bench.ok("convert a.npy b.npy -o t.npy --axes tyx --along t --t 1:4 -q");
    assert_eq!(values(&bench, "t.npy"), all[12..48]);
    bench.ok("convert a.npy a.npy -o c.npy --along c -q");
    assert_eq!(image(&bench, "c.npy")["axes"], "czyx");
    npy(&bench, "wide.npy", &[2, 3, 5], &all[..30]);
    let err = bench.fails(2, "convert a.npy b.npy wide.npy -o x.npy");
    assert!(err.contains("wide.npy (uint16 [2, 3, 5])") && !err.contains("b.npy ("), "{err}");
}

#[test]
fn images_of_different_scales_are_not_joined() {
    let bench = Bench::new();
    npy(&bench, "a.npy", &[2, 3, 4], &noise(24));
    bench.ok("convert a.npy -o a.ome.zarr --voxel-size 1,0.5,0.5 -q");
    bench.ok("convert a.npy -o b.ome.zarr --voxel-size 1,0.4,0.5 -q");
    let err = bench.fails(2, "convert a.ome.zarr b.ome.zarr -o c.npy");
    assert!(err.contains("b.ome.zarr has voxels of 1 x 0.4 x 0.5 µm"), "{err}");
    bench.ok("convert a.ome.zarr b.ome.zarr -o c.npy --voxel-size 1,0.5,0.5 -q");
}

#[test]
fn files_that_an_expression_names_are_a_stack() {
    let bench = Bench::new();
    let all = noise(2 * 3 * 3 * 4);
    npy(&bench, "a.npy", &[2, 3, 3, 4], &all);
    bench.ok("convert a.npy -o planes --to image-folder --axes tzyx -q");
    bench.ok("convert 'planes/planes_t<T>_z<Z>.tif' -o back.npy --verify -q");
    assert_eq!(values(&bench, "back.npy"), all);
    assert_eq!(image(&bench, "'planes/planes_t1_z<Z>.tif'")["shape"], serde_json::json!([3, 3, 4]));
    let err = bench
        .fails(2, "convert 'planes/planes_t1_z<Z>.tif' -o planes/planes_t1_z0.tif --overwrite");
    assert!(err.contains("is what the output is made from"), "{err}");
    let err = bench.fails(1, "convert 'planes/other_<Z>.tif' -o other.npy");
    assert!(err.contains("nearest names"), "{err}");
}

#[test]
fn planes_stored_in_turn_become_channels() {
    let bench = Bench::new();
    let all = noise(6 * 2 * 3);
    npy(&bench, "a.npy", &[6, 2, 3], &all);
    let plane = |i: usize| &all[i * 6..][..6];
    bench.ok("convert a.npy -o b.npy --axes tyx --frame-interval 0.5 --deinterleave 2 -q");
    let wanted: Vec<u16> = [0, 1, 2, 3, 4, 5].iter().flat_map(|i| plane(*i)).copied().collect();
    assert_eq!(values(&bench, "b.npy"), wanted, "t before c: as stored");
    assert_eq!(image(&bench, "b.npy")["shape"], serde_json::json!([3, 2, 2, 3]));
    bench.ok("convert a.npy -o c.npy --deinterleave red,green,blue --c green,red -q");
    let wanted: Vec<u16> = [1, 4, 0, 3].iter().flat_map(|i| plane(*i)).copied().collect();
    assert_eq!(values(&bench, "c.npy"), wanted);
    assert_eq!(image(&bench, "c.npy")["channels"][0]["name"], "green");
    let err = bench.fails(2, "convert a.npy -o x.npy --deinterleave 4");
    assert!(err.contains("6 planes along z") && err.contains("--drop-remainder"), "{err}");
    bench.ok("convert a.npy -o d.npy --deinterleave 4 --drop-remainder -q");
    assert_eq!(values(&bench, "d.npy"), all[..24]);
    bench.fails(2, "convert a.npy -o x.npy --deinterleave red");
}

#[test]
fn a_channel_a_file_or_a_statistic_of_the_frames_is_subtracted() {
    let bench = Bench::new();
    let all = noise(4 * 2 * 3 * 5);
    npy(&bench, "a.npy", &[4, 2, 3, 5], &all);
    let frame = |t: usize, c: usize| &all[(t * 2 + c) * 15..][..15];
    let less = |a: &[u16], b: &[f64]| -> Vec<u16> {
        a.iter()
            .zip(b)
            .map(|(a, b)| (f64::from(*a) - b).round_ties_even().max(0.0) as u16)
            .collect()
    };
    let whole = |v: &[u16]| v.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();

    let ran = bench.ok("convert a.npy -o channel.npy --axes tcyx --subtract 1 --c 0");
    let wanted: Vec<u16> = (0..4).flat_map(|t| less(frame(t, 0), &whole(frame(t, 1)))).collect();
    assert_eq!(values(&bench, "channel.npy"), wanted);
    let clipped = (0..4).flat_map(|t| frame(t, 0).iter().zip(frame(t, 1))).filter(|(a, b)| a < b);
    assert!(ran.err.contains(&format!("{} values", clipped.count())), "{}", ran.err);

    let ran = bench.ok("convert a.npy -o steps.npy --axes tcyx --subtract 1 --c 0 --x ::2");
    assert!(ran.err.contains("some values"), "what is skipped is not counted: {}", ran.err);

    npy(&bench, "dark.npy", &[3, 5], &noise(15));
    bench.ok("convert a.npy -o file.npy --axes tcyx --subtract dark.npy --t 1: --y 1: -q");
    let dark = whole(&noise(15));
    let wanted: Vec<u16> = (1..4)
        .flat_map(|t| [frame(t, 0), frame(t, 1)])
        .flat_map(|f| less(&f[5..], &dark[5..]))
        .collect();
    assert_eq!(values(&bench, "file.npy"), wanted);
    npy(&bench, "small.npy", &[2, 5], &noise(10));
    let err = bench.fails(2, "convert a.npy -o x.npy --axes tcyx --subtract small.npy");
    assert!(err.contains("small.npy") && err.contains("does not fit"), "{err}");
    let err = bench.fails(2, "convert a.npy -o x.npy --axes tcyx --subtract nothing");
    assert!(err.contains("neither a channel of the image nor a file"), "{err}");

    let median = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        (v[1] + v[2]) / 2.0
    };
    type Of<'a> = &'a dyn Fn(Vec<f64>) -> f64;
    let statistics: [(&str, Of<'_>); 3] = [
        ("mean", &|v| v.iter().sum::<f64>() / 4.0),
        ("min", &|v| v.into_iter().fold(f64::INFINITY, f64::min)),
        ("median", &median),
    ];
    for (name, of) in statistics {
        bench.ok(&format!("convert a.npy -o {name}.npy --axes tcyx --subtract {name} --verify -q"));
        let pixel = |c: usize, i: usize| of((0..4).map(|t| f64::from(frame(t, c)[i])).collect());
        let of_channel = |c: usize| (0..15).map(|i| pixel(c, i)).collect::<Vec<f64>>();
        let still = [of_channel(0), of_channel(1)];
        let frames = (0..4).flat_map(|t| (0..2).map(move |c| (t, c)));
        let wanted: Vec<u16> = frames.flat_map(|(t, c)| less(frame(t, c), &still[c])).collect();
        assert_eq!(values(&bench, &format!("{name}.npy")), wanted, "{name}");
    }
}

#[test]
fn rescaling_by_integers_is_the_mean_and_else_linear() {
    let bench = Bench::new();
    let all = noise(7 * 6);
    npy(&bench, "a.npy", &[7, 6], &all);
    bench.ok("convert a.npy -o half.npy --rescale 0.5 --voxel-size 1,2,2 -q");
    bench.ok("convert a.npy -o pyramid.ome.zarr --levels 2 --factors 1,2,2 -q");
    bench.ok("convert pyramid.ome.zarr -o level.npy --level 1 -q");
    assert_eq!(values(&bench, "half.npy"), values(&bench, "level.npy"), "as a level of a pyramid");
    bench.ok("convert a.npy -o back.npy --rescale 7x9 -q");
    let at = |y: usize, place: f64| {
        let place = place.clamp(0.0, 5.0);
        let (low, above) = (place.floor() as usize, place.fract());
        let [a, b] = [low, (low + 1).min(5)].map(|x| f64::from(all[y * 6 + x]));
        a + above * (b - a)
    };
    let wanted: Vec<u16> = (0..7)
        .flat_map(|y| (0..9).map(move |x| (y, (x as f64 + 0.5) * 6.0 / 9.0 - 0.5)))
        .map(|(y, place)| at(y, place).round_ties_even() as u16)
        .collect();
    assert_eq!(values(&bench, "back.npy"), wanted);
    bench.ok("convert a.npy -o labels.npy --rescale 7x9 --labels -q");
    assert!(values(&bench, "labels.npy").iter().all(|v| all.contains(v)));
    bench.ok("convert a.npy -o sized.ome.zarr --levels none --voxel-size 1,2,2 -q");
    bench.ok("convert sized.ome.zarr -o small.ome.zarr --rescale 7x3 -q");
    let small = image(&bench, "small.ome.zarr");
    assert_eq!(small["voxel_size_um"]["x"], 4.0);
    assert_eq!(small["origin_um"]["x"], 1.0);
    assert_eq!(small["origin_um"]["y"].as_f64().unwrap_or(0.0), 0.0);
    bench.fails(2, "convert a.npy -o x.npy --rescale 0");
}

#[test]
fn percentiles_of_the_whole_image_make_the_range() {
    let bench = Bench::new();
    let all: Vec<u16> = (0..1000).map(|i| (i * 37 % 1000) as u16).collect();
    npy(&bench, "a.npy", &[10, 100], &all);
    bench.ok("convert a.npy -o p.npy --dtype uint16 --cast scale --range p10,p90 -q");
    // Of 0 to 999 in any order the percentile q is 9.99 q.
    let (low, high) = (99.9, 899.1);
    let scaled = |v: &u16| ((f64::from(*v) - low) / (high - low)).clamp(0.0, 1.0) * 65535.0;
    let wanted: Vec<u16> = all.iter().map(|v| scaled(v).round_ties_even() as u16).collect();
    assert_eq!(values(&bench, "p.npy"), wanted);
    bench.ok("convert a.npy -o f.npy --dtype float32 -q");
    bench.ok("convert f.npy -o q.npy --dtype uint16 --cast scale --range p10,p90 --verify -q");
    assert_eq!(values(&bench, "q.npy"), wanted, "floats in two passes");
    for range in ["p90,p10", "p1,99", "p-1,p5", "p5,p101"] {
        let err = bench.fails(2, &format!("convert a.npy -o x.npy --cast scale --range {range}"));
        assert!(err.contains("--range"), "{err}");
    }
}

#[test]
fn blocks_threads_and_a_killed_run_change_nothing() {
    let bench = Bench::new();
    npy(&bench, "a.npy", &[6, 2, 90, 110], &noise(6 * 2 * 90 * 110));
    let line = "convert a.npy --axes tcyx --subtract median --rescale 40x33 --cast scale --range p2,p98 --dtype uint8 -q";
    bench.ok(&format!("{line} -o a.ome.zarr --threads 1 --levels none"));
    bench.ok(&format!("{line} -o b.ome.zarr --threads 4 --chunk 1,16,16 --shard 1,16,16"));
    assert_eq!(bench.hash("a.ome.zarr"), bench.hash("b.ome.zarr"));
    bench.ok(&format!("{line} -o c.ome.zarr --plan-only"));
    bench.ok("block run c.ome.zarr.partial --stage statistic -q");
    bench.ok(&format!("{line} -o c.ome.zarr --resume"));
    assert_eq!(bench.hash("a.ome.zarr"), bench.hash("c.ome.zarr"));
}

#[test]
fn all_images_of_a_file_become_a_set() {
    let bench = Bench::new();
    let all = noise(3 * 2 * 4 * 20 * 30);
    npy(&bench, "a.npy", &[3, 2, 4, 20, 30], &all);
    bench.ok("convert a.npy -o a.xml --axes tczyx --voxel-size 2,1,1 --origin 1,2,3 -q");
    let err = bench.fails(1, "convert a.xml -o b.zarr");
    assert!(err.contains("2 images at once") && err.contains("--image all"), "{err}");
    for (name, more) in
        [("b.zarr", "--chunk 4,8,8 --levels 2"), ("b.xml", "--threads 1"), ("b.csv", "")]
    {
        bench.ok(&format!("convert a.xml -o {name} --image all {more} -q"));
    }
    for channel in 0..2 {
        let wanted = bench.hash(&format!("a.xml --image {channel}"));
        assert_eq!(bench.hash(&format!("b.zarr --image {channel}")), wanted);
        assert_eq!(bench.hash(&format!("b.xml --image {channel}")), wanted);
        let file = format!("b/tile_{channel:04}.ome.tif");
        assert_eq!(bench.hash(&file), wanted);
        assert_eq!(
            image(&bench, &file)["origin_um"],
            serde_json::json!({"z": 1.0, "y": 2.0, "x": 3.0})
        );
        bench.ok(&format!(
            "convert a.xml -o one.npy --image {channel} --t 1: --x ::3 --overwrite -q"
        ));
        bench.ok("convert a.xml -o part.zarr --image all --t 1: --x ::3 --overwrite -q");
        let one = bench.hash("one.npy");
        assert_eq!(bench.hash(&format!("part.zarr --image {channel}")), one);
    }
    let ran = bench.ok("convert a.xml -o small.zarr --image all --dtype uint8 --cast clip");
    assert!(ran.err.contains("values did not fit uint8"), "{}", ran.err);
    for (line, said) in [
        ("convert a.xml a.xml -o x.zarr --image all", "takes one input"),
        ("convert a.xml -o x.tif --image all", "no set of tiles has the suffix .tif"),
        ("convert a.xml -o x.zarr --image all --subtract mean", "is of one image"),
        ("convert a.xml -o x.zarr --image all --dtype uint8 --cast scale", "give --range LO,HI"),
        ("convert a.xml -o x.zarr --image most", "a number, or all"),
        ("convert a.xml -o a.xml --image all --overwrite", "is what the output is made from"),
    ] {
        let err = bench.fails(2, line);
        assert!(err.contains(said), "{line}: {err}");
    }
}
