//! OME-XML of the images that are written (schema 2016-06).

use std::fmt::Write;

use hooke_core::{Dtype, ImageMeta};
use quick_xml::escape::escape;

use crate::tiff::ome_xml::is_ome;

/// Files with more planes than this carry positions and times for the first plane of each frame
/// only, so that the text stays small.
const MOST_PLANES: u64 = 20_000;

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" "#,
    r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation=""#,
    r#"http://www.openmicroscopy.org/Schemas/OME/2016-06 "#,
    r#"http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="Hooke "#,
    env!("CARGO_PKG_VERSION"),
    r#"">"#
);

/// The document for images whose planes follow each other in the order `t, c, z`.
///
/// OME-XML of the file that an image was read from is kept whole, as a comment annotation.
pub fn document(images: &[&ImageMeta]) -> String {
    let mut out = String::from(HEAD);
    let mut first_ifd = 0;
    for (index, meta) in images.iter().enumerate() {
        image(&mut out, index, meta, first_ifd);
        first_ifd += meta.shape[..3].iter().product::<u64>();
    }
    let sources = images.iter().filter_map(|m| m.vendor.as_ref()?.get("ome_xml")?.as_str());
    let sources: Vec<&str> = sources.filter(|t| is_ome(t)).collect();
    if !sources.is_empty() {
        out.push_str("<StructuredAnnotations>");
        for (index, text) in sources.into_iter().enumerate() {
            add(
                &mut out,
                format_args!(
                    r#"<CommentAnnotation ID="Annotation:{index}" Namespace="hooke/source-ome-xml"><Value>{}</Value></CommentAnnotation>"#,
                    clean(text)
                ),
            );
        }
        out.push_str("</StructuredAnnotations>");
    }
    out.push_str("</OME>");
    out
}

/// Text for an attribute or element, without the characters that XML forbids.
fn clean(text: &str) -> String {
    let legal: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    escape(&legal).into_owned()
}

/// Writing to a string cannot fail.
fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
}

fn image(out: &mut String, index: usize, meta: &ImageMeta, first_ifd: u64) {
    let [t, c, z, y, x] = meta.shape;
    add(
        out,
        format_args!(
            r#"<Image ID="Image:{index}" Name="{}"><Pixels ID="Pixels:{index}" DimensionOrder="XYZCT" Type="{}" SizeX="{x}" SizeY="{y}" SizeZ="{z}" SizeC="{c}" SizeT="{t}" BigEndian="false" Interleaved="false""#,
            clean(&meta.name),
            pixel_type(meta.dtype)
        ),
    );
    if meta.significant_bits < 8 * meta.dtype.size() as u32 {
        add(out, format_args!(r#" SignificantBits="{}""#, meta.significant_bits));
    }
    for (size, axis) in meta.voxel_size_um.iter().zip(["Z", "Y", "X"]) {
        if let Some(size) = size.value {
            add(out, format_args!(r#" PhysicalSize{axis}="{size}" PhysicalSize{axis}Unit="µm""#));
        }
    }
    if let Some(step) = meta.frame_interval_s {
        add(out, format_args!(r#" TimeIncrement="{step}" TimeIncrementUnit="s""#));
    }
    out.push('>');
    for channel in 0..c {
        self::channel(out, index, channel, meta);
    }
    add(out, format_args!(r#"<TiffData IFD="{first_ifd}" PlaneCount="{}"/>"#, t * c * z));
    planes(out, meta);
    out.push_str("</Pixels></Image>");
}

fn channel(out: &mut String, image: usize, index: u64, meta: &ImageMeta) {
    add(out, format_args!(r#"<Channel ID="Channel:{image}:{index}" SamplesPerPixel="1""#));
    if let Some(channel) = meta.channels.get(index as usize) {
        if let Some(name) = &channel.name {
            add(out, format_args!(r#" Name="{}""#, clean(name)));
        }
        if let Some(color) = channel.color.as_deref().and_then(rgba) {
            add(out, format_args!(r#" Color="{color}""#));
        }
        let waves = [("Excitation", channel.excitation_nm), ("Emission", channel.emission_nm)];
        for (name, nm) in waves {
            if let Some(nm) = nm.filter(|v| *v > 0.0) {
                add(out, format_args!(r#" {name}Wavelength="{nm}" {name}WavelengthUnit="nm""#));
            }
        }
    }
    out.push_str("/>");
}

fn planes(out: &mut String, meta: &ImageMeta) {
    let [nt, nc, nz, _, _] = meta.shape;
    let [oz, oy, ox] = meta.origin_um.map(|o| o.value);
    let times = meta.frame_times_s.as_deref().filter(|t| t.len() as u64 == nt);
    if oz.or(oy).or(ox).is_none() && times.is_none() {
        return;
    }
    let all = nt * nc * nz <= MOST_PLANES;
    let step = meta.voxel_size_um[0].value.unwrap_or(0.0);
    for t in 0..nt {
        for c in 0..if all { nc } else { 1 } {
            for z in 0..if all { nz } else { 1 } {
                add(out, format_args!(r#"<Plane TheZ="{z}" TheT="{t}" TheC="{c}""#));
                if let Some(times) = times {
                    add(out, format_args!(r#" DeltaT="{}" DeltaTUnit="s""#, times[t as usize]));
                }
                let position = [("X", ox), ("Y", oy), ("Z", oz.map(|o| o + z as f64 * step))];
                for (axis, value) in position {
                    if let Some(value) = value {
                        add(
                            out,
                            format_args!(r#" Position{axis}="{value}" Position{axis}Unit="µm""#),
                        );
                    }
                }
                out.push_str("/>");
            }
        }
    }
}

fn pixel_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Float32 => "float",
        Dtype::Float64 => "double",
        other => other.name(),
    }
}

/// `#RRGGBB` as OME's signed number of red, green, blue and alpha.
fn rgba(color: &str) -> Option<i32> {
    let rgb =
        u32::from_str_radix(color.strip_prefix('#')?, 16).ok().filter(|_| color.len() == 7)?;
    Some((rgb << 8 | 0xFF) as i32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tiff::ome_xml::parse;
    use hooke_core::{Axes, Channel, Sourced};

    #[test]
    fn what_is_written_is_read_back() {
        let mut meta = ImageMeta::new("a <b> & \"c\"", Axes::TCZYX, [2, 2, 3, 5, 7], Dtype::Int16);
        meta.voxel_size_um = [Sourced::file(2.0), Sourced::unknown(), Sourced::file(1.0 / 3.0)];
        meta.origin_um = [Sourced::file(-7.5), Sourced::unknown(), Sourced::file(1e-7)];
        meta.frame_times_s = Some(vec![0.0, 0.31]);
        meta.significant_bits = 12;
        meta.channels = vec![
            Channel {
                name: Some("µ'1".to_owned()),
                color: Some("#FF8001".to_owned()),
                excitation_nm: Some(488.0),
                emission_nm: Some(510.5),
            },
            Channel::default(),
        ];
        let other = ImageMeta::new("flat", Axes::YX, [1, 1, 1, 4, 4], Dtype::Float32);
        let found = parse(&document(&[&meta, &other])).unwrap();
        let image = &found.images[0];
        assert_eq!(image.name.as_deref(), Some("a <b> & \"c\""));
        assert_eq!((image.sizes, image.order), ([2, 2, 3], [0, 1, 2]));
        assert_eq!(image.voxel_size_um, meta.voxel_size_um);
        assert_eq!(image.origin_um, meta.origin_um);
        assert_eq!(image.frame_times_s, meta.frame_times_s);
        assert_eq!(image.significant_bits, Some(12));
        let channels: Vec<_> = image.channels.iter().map(|(c, _)| c.clone()).collect();
        assert_eq!(channels, meta.channels);
        assert_eq!(found.images[1].blocks[0].ifd, Some(12));
        assert_eq!(found.images[1].pixel_type, "float");
    }
}
