//! XML to the model.

use std::path::Path;

use roxmltree::{Document, Node};

use super::{
    Affine, FileMapping, Loader, NamedAffine, Setup, SpimData, UnknownAxes, ViewKey, VoxelSize,
    ZarrGroup,
};
use crate::{Error, Result};

/// More timepoints than any recording has.
const MOST_TIMEPOINTS: u64 = 1_000_000;

/// Reads a BigDataViewer XML; `path` is named in errors only.
///
/// # Errors
/// [`Error::Corrupt`] for text that is not XML; [`Error::MetadataInvalid`] for XML that is not
/// `SpimData`, and for numbers that are not numbers.
pub fn parse(path: &Path, text: &str) -> Result<SpimData> {
    let text = text.trim_start_matches('\u{feff}');
    let document =
        Document::parse(text).map_err(|e| Error::corrupt(path, format!("not XML: {e}")))?;
    let reader = Reader { path };
    let root = document.root_element();
    if root.tag_name().name() != "SpimData" {
        return Err(reader.bad(format!("`{}` where SpimData belongs", root.tag_name().name())));
    }
    let mut data = SpimData {
        base_path: child(root, "BasePath").map_or(".", text_of).to_owned(),
        ..SpimData::default()
    };
    let sequence = reader.need(root, "SequenceDescription")?;
    data.loader = reader.loader(sequence)?;
    reader.setups(sequence, &mut data)?;
    data.timepoints = reader.timepoints(sequence)?;
    if let Some(missing) = child(sequence, "MissingViews") {
        for view in children(missing, "MissingView") {
            data.missing.insert(reader.view_key(view, "timepoint", "setup")?);
        }
    }
    if let Some(registrations) = child(root, "ViewRegistrations") {
        reader.registrations(registrations, &mut data)?;
    }
    if let Some(ours) = child(root, "Hooke") {
        data.frame_interval_s = reader.optional(ours, "frameInterval")?;
        for channel in children(ours, "channel") {
            let id = reader.attribute(channel, "id")?;
            data.colors.insert(id, channel.attribute("color").unwrap_or_default().to_owned());
        }
        for node in children(ours, "unknown") {
            let axes = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
            let unknown = UnknownAxes { voxel: axes("voxel"), origin: axes("origin") };
            data.unknown.insert(reader.attribute(node, "setup")?, unknown);
        }
    }
    Ok(data)
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|n| n.tag_name().name() == name)
}

fn children<'a>(node: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |n| n.tag_name().name() == name)
}

fn text_of<'a>(node: Node<'a, 'a>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

struct Reader<'p> {
    path: &'p Path,
}

impl Reader<'_> {
    fn bad(&self, what: impl Into<String>) -> Error {
        Error::metadata(self.path, what)
    }

    fn need<'a>(&self, node: Node<'a, 'a>, name: &str) -> Result<Node<'a, 'a>> {
        child(node, name)
            .ok_or_else(|| self.bad(format!("{} without {name}", node.tag_name().name())))
    }

    fn number<T: std::str::FromStr>(&self, text: &str, what: &str) -> Result<T> {
        text.trim().parse().map_err(|_| self.bad(format!("{what}: `{}`", text.trim())))
    }

    /// The number in a child element that must be there.
    fn value<T: std::str::FromStr>(&self, node: Node<'_, '_>, name: &str) -> Result<T> {
        let found = node.children().find(|n| n.tag_name().name() == name);
        let text = found.and_then(|n| n.text()).unwrap_or_default();
        self.number(text, &format!("{name} of {}", node.tag_name().name()))
    }

    fn optional<T: std::str::FromStr>(&self, node: Node<'_, '_>, name: &str) -> Result<Option<T>> {
        match node.children().any(|n| n.tag_name().name() == name) {
            true => self.value(node, name).map(Some),
            false => Ok(None),
        }
    }

    fn attribute<T: std::str::FromStr>(&self, node: Node<'_, '_>, name: &str) -> Result<T> {
        let what = format!("attribute {name} of {}", node.tag_name().name());
        self.number(node.attribute(name).unwrap_or_default(), &what)
    }

    /// Exactly `N` numbers, split on any white space.
    fn numbers<const N: usize, T>(&self, text: &str, what: &str) -> Result<[T; N]>
    where
        T: std::str::FromStr,
    {
        let values: Vec<T> =
            text.split_whitespace().map(|v| self.number(v, what)).collect::<Result<_>>()?;
        let found = values.len();
        values.try_into().map_err(|_| self.bad(format!("{what}: {found} numbers where {N} belong")))
    }

    fn view_key(&self, node: Node<'_, '_>, timepoint: &str, setup: &str) -> Result<ViewKey> {
        Ok(ViewKey {
            timepoint: self.attribute(node, timepoint)?,
            setup: self.attribute(node, setup)?,
        })
    }

    fn loader(&self, sequence: Node<'_, '_>) -> Result<Loader> {
        let found = sequence.children().find(|n| n.tag_name().name() == "ImageLoader");
        let loader = found.ok_or_else(|| self.bad("SequenceDescription without ImageLoader"))?;
        let format = loader.attribute("format").unwrap_or_default();
        let relative = |n: Node<'_, '_>| n.attribute("type").unwrap_or("relative") == "relative";
        match format {
            "bdv.hdf5" | "bdv.n5" => {
                let name = format.trim_start_matches("bdv.");
                let file = loader.children().find(|n| n.tag_name().name() == name);
                let file =
                    file.ok_or_else(|| self.bad(format!("ImageLoader {format} without {name}")))?;
                let path = file.text().unwrap_or_default().trim().to_owned();
                let relative = relative(file);
                Ok(match name {
                    "n5" => Loader::N5 { path, relative },
                    _ => Loader::Hdf5 { path, relative },
                })
            }
            "bdv.multimg.zarr" => self.zarr(loader),
            "spimreconstruction.filemap2" => {
                let mut files = Vec::new();
                for node in loader.descendants().filter(|n| n.tag_name().name() == "FileMapping") {
                    let file = node.children().find(|n| n.tag_name().name() == "file");
                    let file = file.ok_or_else(|| self.bad("FileMapping without file"))?;
                    files.push(FileMapping {
                        view: self.view_key(node, "timepoint", "view_setup")?,
                        series: self.attribute(node, "series")?,
                        channel: self.attribute(node, "channel")?,
                        path: file.text().unwrap_or_default().trim().to_owned(),
                        relative: relative(file),
                    });
                }
                Ok(Loader::Files(files))
            }
            other => Ok(Loader::Other(other.to_owned())),
        }
    }

    /// A folder of OME-Zarr images, in the two ways their views are written.
    fn zarr(&self, loader: Node<'_, '_>) -> Result<Loader> {
        let folder = loader.children().find(|n| n.tag_name().name() == "zarr");
        let folder = folder.ok_or_else(|| self.bad("ImageLoader bdv.multimg.zarr without zarr"))?;
        let relative = folder.attribute("type").unwrap_or("relative") == "relative";
        let mut groups = Vec::new();
        for node in loader.descendants().filter(|n| n.tag_name().name() == "zgroup") {
            let timepoint = if node.has_attribute("tp") { "tp" } else { "timepoint" };
            let inner = node.children().find(|n| n.tag_name().name() == "path");
            let path = node.attribute("path").or_else(|| inner.and_then(|n| n.text()));
            // Written so by BigStitcher.
            let indices = match node.attribute("indicies").or(node.attribute("indices")) {
                Some(text) if !text.trim().is_empty() => self.numbers(text, "indices of zgroup")?,
                _ => [0, 0],
            };
            let path = path.unwrap_or_default().trim().to_owned();
            groups.push(ZarrGroup {
                view: self.view_key(node, timepoint, "setup")?,
                path,
                indices,
            });
        }
        Ok(Loader::Zarr {
            path: folder.text().unwrap_or_default().trim().to_owned(),
            relative,
            groups,
        })
    }

    fn setups(&self, sequence: Node<'_, '_>, data: &mut SpimData) -> Result<()> {
        let list = sequence.children().find(|n| n.tag_name().name() == "ViewSetups");
        let list = list.ok_or_else(|| self.bad("SequenceDescription without ViewSetups"))?;
        for node in list.children().filter(|n| n.tag_name().name() == "ViewSetup") {
            let id: u64 = self.value(node, "id")?;
            if data.setups.insert(id, self.setup(node, id)?).is_some() {
                return Err(self.bad(format!("setup {id} is there twice")));
            }
        }
        for node in list.children().filter(|n| n.tag_name().name() == "Attributes") {
            let kind = node.attribute("name").unwrap_or_default().to_owned();
            // It becomes a tag when the XML is written again.
            if kind.is_empty() || !kind.chars().all(|c| c.is_ascii_alphabetic()) {
                continue;
            }
            let names = data.names.entry(kind).or_default();
            for value in node.children().filter(Node::is_element) {
                let name = value.children().find(|n| n.tag_name().name() == "name");
                let name = name.and_then(|n| n.text()).unwrap_or_default().trim().to_owned();
                names.insert(self.value(value, "id")?, name);
            }
        }
        Ok(())
    }

    fn setup(&self, node: Node<'_, '_>, id: u64) -> Result<Setup> {
        let find = |name: &str| node.children().find(|n| n.tag_name().name() == name);
        let name = find("name").and_then(|n| n.text()).unwrap_or_default().trim().to_owned();
        let mut setup = Setup { name, ..Setup::default() };
        if let Some(size) = find("size") {
            let what = format!("size of setup {id}");
            setup.size = Some(self.numbers(size.text().unwrap_or_default(), &what)?);
        }
        if let Some(voxel) = find("voxelSize") {
            let text = |name: &str| {
                let found = voxel.children().find(|n| n.tag_name().name() == name);
                found.and_then(|n| n.text()).unwrap_or_default().trim().to_owned()
            };
            let size = self.numbers(&text("size"), &format!("voxel size of setup {id}"))?;
            setup.voxel_size = Some(VoxelSize { unit: text("unit"), size });
        }
        if let Some(attributes) = find("attributes") {
            for attribute in attributes.children().filter(Node::is_element) {
                let name = attribute.tag_name().name();
                let text = attribute.text().unwrap_or_default();
                let value = self.number(text, &format!("{name} of setup {id}"))?;
                setup.attributes.insert(name.to_owned(), value);
            }
        }
        Ok(setup)
    }

    fn timepoints(&self, sequence: Node<'_, '_>) -> Result<Vec<u64>> {
        let node = sequence.children().find(|n| n.tag_name().name() == "Timepoints");
        let Some(node) = node else { return Ok(vec![0]) };
        let mut points = match node.attribute("type").unwrap_or_default() {
            "range" => self.range(self.value(node, "first")?, self.value(node, "last")?, 1)?,
            "pattern" => {
                let text: String = self.value(node, "integerpattern")?;
                self.pattern(&text)?
            }
            "list" => node
                .descendants()
                .filter(|n| n.tag_name().name() == "id")
                .map(|n| self.number(n.text().unwrap_or_default(), "timepoint"))
                .collect::<Result<_>>()?,
            other => return Err(self.bad(format!("timepoints of type `{other}`"))),
        };
        points.sort_unstable();
        points.dedup();
        if points.is_empty() {
            return Err(self.bad("no timepoint"));
        }
        Ok(points)
    }

    /// `0-9, 12, 20-30:2`.
    fn pattern(&self, text: &str) -> Result<Vec<u64>> {
        let mut points = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (span, step) = part.split_once(':').unwrap_or((part, "1"));
            let (first, last) = span.split_once('-').unwrap_or((span, span));
            let number = |text: &str| self.number(text, "timepoint pattern");
            points.extend(self.range(number(first)?, number(last)?, number(step)?)?);
            if points.len() as u64 > MOST_TIMEPOINTS {
                return Err(self.bad(format!("timepoint pattern `{text}`")));
            }
        }
        Ok(points)
    }

    fn range(&self, first: u64, last: u64, step: u64) -> Result<Vec<u64>> {
        if step == 0 || last < first || (last - first) / step >= MOST_TIMEPOINTS {
            return Err(self.bad(format!("timepoints {first} to {last} by {step}")));
        }
        Ok((first..=last).step_by(step as usize).collect())
    }

    fn registrations(&self, list: Node<'_, '_>, data: &mut SpimData) -> Result<()> {
        for node in list.children().filter(|n| n.tag_name().name() == "ViewRegistration") {
            let view = self.view_key(node, "timepoint", "setup")?;
            let mut transforms = Vec::new();
            for transform in node.children().filter(|n| n.tag_name().name() == "ViewTransform") {
                let find = |name: &str| {
                    let found = transform.children().find(|n| n.tag_name().name() == name);
                    found.and_then(|n| n.text()).unwrap_or_default().trim().to_owned()
                };
                let what = format!("affine of setup {}", view.setup);
                let affine = Affine(self.numbers(&find("affine"), &what)?);
                transforms.push(NamedAffine { name: find("Name"), affine });
            }
            data.registrations.insert(view, transforms);
        }
        Ok(())
    }
}
