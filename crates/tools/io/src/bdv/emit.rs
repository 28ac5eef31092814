//! The model to XML.

use std::fmt::Write;

use super::{Loader, SpimData, UnknownAxes, ViewKey, ZarrGroup};

/// The XML of a model; [`super::parse`] gives the model back.
pub fn emit(data: &SpimData) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut xml = Emitter { out: &mut out, depth: 0 };
    xml.open("SpimData version=\"0.2\"");
    xml.line(&format!("<BasePath type=\"relative\">{}</BasePath>", escape(&data.base_path)));
    xml.open("SequenceDescription");
    xml.loader(&data.loader);
    xml.setups(data);
    xml.timepoints(&data.timepoints);
    if data.missing.is_empty() {
        xml.line("<MissingViews/>");
    } else {
        xml.open("MissingViews");
        for ViewKey { timepoint, setup } in &data.missing {
            xml.line(&format!("<MissingView timepoint=\"{timepoint}\" setup=\"{setup}\"/>"));
        }
        xml.close("MissingViews");
    }
    xml.close("SequenceDescription");
    xml.registrations(data);
    xml.ours(data);
    xml.close("SpimData");
    out
}

struct Emitter<'a> {
    out: &'a mut String,
    depth: usize,
}

impl Emitter<'_> {
    fn line(&mut self, text: &str) {
        writeln!(self.out, "{:1$}{text}", "", 2 * self.depth).expect("a string takes everything");
    }

    fn open(&mut self, tag: &str) {
        self.line(&format!("<{tag}>"));
        self.depth += 1;
    }

    fn close(&mut self, tag: &str) {
        self.depth -= 1;
        self.line(&format!("</{tag}>"));
    }

    fn value(&mut self, tag: &str, value: impl std::fmt::Display) {
        self.line(&format!("<{tag}>{}</{tag}>", escape(&value.to_string())));
    }

    fn loader(&mut self, loader: &Loader) {
        let kind = |relative: bool| if relative { "relative" } else { "absolute" };
        match loader {
            Loader::Hdf5 { path, relative } => {
                self.open("ImageLoader format=\"bdv.hdf5\"");
                let (kind, path) = (kind(*relative), escape(path));
                self.line(&format!("<hdf5 type=\"{kind}\">{path}</hdf5>"));
            }
            Loader::N5 { path, relative } => {
                self.open("ImageLoader format=\"bdv.n5\" version=\"1.0\"");
                let (kind, path) = (kind(*relative), escape(path));
                self.line(&format!("<n5 type=\"{kind}\">{path}</n5>"));
            }
            Loader::Zarr { path, relative, groups } => {
                self.open("ImageLoader format=\"bdv.multimg.zarr\" version=\"3.0\"");
                let (kind, path) = (kind(*relative), escape(path));
                self.line(&format!("<zarr type=\"{kind}\">{path}</zarr>"));
                self.open("zgroups");
                for ZarrGroup { view, path, indices: [c, t] } in groups {
                    let (setup, time, path) = (view.setup, view.timepoint, escape(path));
                    // The last name is misspelt in the format.
                    self.line(&format!(
                        "<zgroup setup=\"{setup}\" tp=\"{time}\" path=\"{path}\" indicies=\"{c} {t}\"/>"
                    ));
                }
                self.close("zgroups");
            }
            Loader::Files(files) => {
                self.open("ImageLoader format=\"spimreconstruction.filemap2\"");
                self.open("files");
                for f in files {
                    self.open(&format!(
                        "FileMapping view_setup=\"{}\" timepoint=\"{}\" series=\"{}\" channel=\"{}\"",
                        f.view.setup, f.view.timepoint, f.series, f.channel
                    ));
                    let (kind, path) = (kind(f.relative), escape(&f.path));
                    self.line(&format!("<file type=\"{kind}\">{path}</file>"));
                    self.close("FileMapping");
                }
                self.close("files");
                self.value("ZGrouped", false);
            }
            Loader::Other(format) => {
                self.open(&format!("ImageLoader format=\"{}\"", escape(format)));
            }
        }
        self.close("ImageLoader");
    }

    fn setups(&mut self, data: &SpimData) {
        self.open("ViewSetups");
        for (id, setup) in &data.setups {
            self.open("ViewSetup");
            self.value("id", id);
            self.value("name", &setup.name);
            if let Some([x, y, z]) = setup.size {
                self.value("size", format!("{x} {y} {z}"));
            }
            if let Some(voxel) = &setup.voxel_size {
                self.open("voxelSize");
                self.value("unit", &voxel.unit);
                let [x, y, z] = voxel.size;
                self.value("size", format!("{x} {y} {z}"));
                self.close("voxelSize");
            }
            self.open("attributes");
            for (name, value) in &setup.attributes {
                self.value(name, value);
            }
            self.close("attributes");
            self.close("ViewSetup");
        }
        for (kind, names) in &data.names {
            self.open(&format!("Attributes name=\"{}\"", escape(kind)));
            let mut tag = kind.clone();
            if let Some(first) = tag.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            for (id, name) in names {
                self.open(&tag);
                self.value("id", id);
                self.value("name", name);
                self.close(&tag);
            }
            self.close("Attributes");
        }
        self.close("ViewSetups");
    }

    fn timepoints(&mut self, points: &[u64]) {
        let (first, last) =
            (points.first().copied().unwrap_or(0), points.last().copied().unwrap_or(0));
        if last - first + 1 == points.len().max(1) as u64 {
            self.open("Timepoints type=\"range\"");
            self.value("first", first);
            self.value("last", last);
        } else {
            self.open("Timepoints type=\"pattern\"");
            let list: Vec<String> = points.iter().map(u64::to_string).collect();
            self.value("integerpattern", list.join(","));
        }
        self.close("Timepoints");
    }

    fn registrations(&mut self, data: &SpimData) {
        self.open("ViewRegistrations");
        for (ViewKey { timepoint, setup }, transforms) in &data.registrations {
            self.open(&format!("ViewRegistration timepoint=\"{timepoint}\" setup=\"{setup}\""));
            for transform in transforms {
                self.open("ViewTransform type=\"affine\"");
                self.value("Name", &transform.name);
                let numbers: Vec<String> = transform.affine.0.iter().map(f64::to_string).collect();
                self.value("affine", numbers.join(" "));
                self.close("ViewTransform");
            }
            self.close("ViewRegistration");
        }
        self.close("ViewRegistrations");
    }

    /// What BigDataViewer has no place for; it passes over elements it does not know.
    fn ours(&mut self, data: &SpimData) {
        if data.frame_interval_s.is_none() && data.colors.is_empty() && data.unknown.is_empty() {
            return;
        }
        self.open("Hooke");
        if let Some(interval) = data.frame_interval_s {
            self.value("frameInterval", interval);
        }
        for (id, color) in &data.colors {
            self.line(&format!("<channel id=\"{id}\" color=\"{}\"/>", escape(color)));
        }
        for (setup, UnknownAxes { voxel, origin }) in &data.unknown {
            let (voxel, origin) = (escape(voxel), escape(origin));
            self.line(&format!(
                "<unknown setup=\"{setup}\" voxel=\"{voxel}\" origin=\"{origin}\"/>"
            ));
        }
        self.close("Hooke");
    }
}

/// Text as XML allows it; characters that XML has no way to write become `?`.
fn escape(text: &str) -> String {
    let legal: String = text
        .chars()
        .map(|c| if c < ' ' && !matches!(c, '\t' | '\n' | '\r') { '?' } else { c })
        .collect();
    quick_xml::escape::escape(&legal).into_owned()
}
