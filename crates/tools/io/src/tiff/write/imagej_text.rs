//! The description and the extra tag of an ImageJ hyperstack.

use std::fmt::Write;

use hooke_core::ImageMeta;

/// The lines of the description. Sizes are in micrometres, the origin in pixels as ImageJ counts it.
pub fn description(meta: &ImageMeta) -> String {
    let [t, c, z, _, _] = meta.shape;
    let colored = meta.channels.iter().any(|c| c.color.is_some());
    let mut out = format!("ImageJ=1.54f\nimages={}\n", t * c * z);
    // Writing to a string cannot fail.
    let mut line = |text: std::fmt::Arguments<'_>| {
        writeln!(out, "{text}").expect("a string takes any text");
    };
    for (name, length) in [("channels", c), ("slices", z), ("frames", t)] {
        if length > 1 {
            line(format_args!("{name}={length}"));
        }
    }
    if t * c * z > 1 {
        line(format_args!("hyperstack=true"));
        let mode = if c > 1 && colored { "composite" } else { "grayscale" };
        line(format_args!("mode={mode}"));
    }
    if meta.voxel_size_um.iter().any(|s| s.value.is_some()) {
        line(format_args!("unit=\\u00B5m"));
    }
    if let Some(step) = meta.voxel_size_um[0].value {
        line(format_args!("spacing={step}"));
    }
    for (axis, d) in [("x", 2), ("y", 1), ("z", 0)] {
        if let (Some(size), Some(origin)) = (meta.voxel_size_um[d].value, meta.origin_um[d].value) {
            line(format_args!("{axis}origin={}", -origin / size));
        }
    }
    if let Some(step) = meta.frame_interval_s {
        line(format_args!("finterval={step}"));
    }
    line(format_args!("loop=false"));
    out
}

/// The extra tag: names of channels as labels of their planes, colours as lookup tables.
///
/// Returns the sizes of its parts and its bytes, little-endian; `None` where there is nothing to say.
pub fn extra(meta: &ImageMeta) -> Option<(Vec<u32>, Vec<u8>)> {
    let [nt, nc, nz, _, _] = meta.shape;
    let channels = meta.channels.get(..nc as usize)?;
    let named = channels.iter().all(|c| c.name.as_deref().is_some_and(|n| !n.is_empty()));
    let colored = channels.iter().any(|c| c.color.is_some());
    let mut kinds: Vec<(&[u8; 4], Vec<Vec<u8>>)> = Vec::new();
    if named {
        let label = |c: u64| -> Vec<u8> {
            let name = channels[c as usize].name.as_deref().unwrap_or_default();
            name.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        let once: Vec<Vec<u8>> = (0..nc).map(label).collect();
        kinds.push((b"labl", (0..nt * nz).flat_map(|_| once.iter().cloned()).collect()));
    }
    if colored {
        let tables = channels.iter().map(|c| table(c.color.as_deref().and_then(rgb)));
        kinds.push((b"luts", tables.collect()));
    }
    if kinds.is_empty() {
        return None;
    }
    let word = |name: &[u8; 4]| u32::from_be_bytes(*name).to_le_bytes();
    let mut bytes = word(b"IJIJ").to_vec();
    for (name, items) in &kinds {
        bytes.extend(word(name));
        bytes.extend((items.len() as u32).to_le_bytes());
    }
    let mut sizes = vec![bytes.len() as u32];
    for item in kinds.into_iter().flat_map(|(_, items)| items) {
        sizes.push(item.len() as u32);
        bytes.extend(item);
    }
    Some((sizes, bytes))
}

fn rgb(color: &str) -> Option<[u8; 3]> {
    let n = u32::from_str_radix(color.strip_prefix('#')?, 16).ok().filter(|_| color.len() == 7)?;
    Some([(n >> 16) as u8, (n >> 8) as u8, n as u8])
}

/// A ramp from black to a colour (white where none is known): reds, greens, blues.
fn table(color: Option<[u8; 3]>) -> Vec<u8> {
    let ramp = |top: u8| (0..=255u16).map(move |i| (i * u16::from(top) / 255) as u8);
    color.unwrap_or([255; 3]).into_iter().flat_map(ramp).collect()
}
