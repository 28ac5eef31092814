//! Completing a file: descriptions, directories, header, and the final name.

use hooke_core::ImageMeta;

use super::container::{Container, ImageStore, LARGEST_CLASSIC};
use super::directory::{self, ChainWriter, Entries, Value, add_resolution};
use super::options::Kind;
use super::{imagej_text, ome_text};
use crate::positional::write_file_at;
use crate::tiff::shaped::{Shaped, Sizes};
use crate::tiff::tag;
use crate::{Error, Result};

impl Container {
    /// The first directory of an ImageJ file, which lies at byte 8.
    pub(super) fn imagej_directory(&self) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        let store = &self.images[0].levels[0];
        let mut entries = directory::of_plane(store, [0; 3], false);
        self.describe(&mut entries, 0);
        let (_, next) = directory::append(&mut bytes, 8, self.numbers, &entries);
        (bytes, next)
    }

    /// Adds what only the first page of an image carries.
    fn describe(&self, entries: &mut Entries, image: usize) {
        let meta = &self.images[image].meta;
        let pixel_um = [meta.voxel_size_um[1].value, meta.voxel_size_um[2].value];
        let text = match self.kind {
            Kind::ImageJ => {
                add_resolution(entries, pixel_um, 1.0, 1);
                if let Some((sizes, bytes)) = imagej_text::extra(meta) {
                    entries.insert(tag::IMAGEJ_METADATA_COUNTS, Value::Word(sizes));
                    entries.insert(tag::IMAGEJ_METADATA, Value::Bytes(tag::BYTE, bytes));
                }
                imagej_text::description(meta)
            }
            Kind::Ome => {
                add_resolution(entries, pixel_um, 1e4, 3);
                let metas: Vec<&ImageMeta> = self.images.iter().map(|i| &i.meta).collect();
                if image == 0 { ome_text::document(&metas) } else { String::new() }
            }
            Kind::Tiff => {
                add_resolution(entries, pixel_um, 1e4, 3);
                shaped_text(meta)
            }
        };
        if !text.is_empty() {
            entries.insert(tag::IMAGE_DESCRIPTION, Value::text(&text));
        }
        let software = concat!("Hooke ", env!("CARGO_PKG_VERSION"));
        entries.insert(tag::SOFTWARE, Value::text(software));
    }

    /// Writes directories and header, flushes, and gives the file its name.
    pub(super) fn finish(&self) -> Result<()> {
        let Some(atomic) = self.take_file() else {
            let what = "an image that is finished already".to_owned();
            return Err(Error::NotThere { path: self.target.clone(), what });
        };
        self.check_complete()?;
        let first = match self.kind {
            Kind::ImageJ => self.finish_imagej()?,
            Kind::Ome | Kind::Tiff => self.write_directories(None)?,
        };
        let mut head = Vec::from(if self.numbers.big { *b"II+\0" } else { *b"II*\0" });
        if self.numbers.big {
            head.extend([8, 0, 0, 0]);
            head.extend(first.to_le_bytes());
        } else {
            head.extend((first as u32).to_le_bytes());
        }
        write_file_at(&self.file, &head, 0).map_err(self.io("write"))?;
        atomic.commit_unstamped()
    }

    /// ImageJ's own first directory, and one for each other plane where 32 bits reach them: ImageJ
    /// does without those, other readers do not.
    fn finish_imagej(&self) -> Result<u64> {
        let (bytes, next) = self.imagej_directory();
        write_file_at(&self.file, &bytes, 8).map_err(self.io("write"))?;
        let planes = self.images[0].levels[0].planes();
        let end = self.end() + 300 * planes;
        if planes > 1 && end <= LARGEST_CLASSIC {
            self.write_directories(Some(8 + next as u64))?;
        }
        Ok(8)
    }

    fn check_complete(&self) -> Result<()> {
        for image in &self.images {
            for (l, store) in image.levels.iter().enumerate() {
                let Some(table) = store.table() else { continue };
                let absent = table.iter().filter(|(_, size)| *size == 0).count();
                if absent > 0 {
                    let what = format!(
                        "{absent} of {} chunks of level {l} were never written",
                        table.len()
                    );
                    return Err(Error::Incomplete { path: self.target.clone(), what });
                }
            }
        }
        Ok(())
    }

    /// Writes a directory for each plane of each image, each after those of its smaller levels, and
    /// chains them; returns where the first one is.
    ///
    /// `link` is the pointer of a directory that stands already, to which the others are chained.
    fn write_directories(&self, link: Option<u64>) -> Result<u64> {
        let mut chain = ChainWriter::new(&self.file, self.numbers, self.end(), link);
        for (index, image) in self.images.iter().enumerate() {
            for (number, plane) in planes(image, self.kind).enumerate() {
                if number == 0 && link.is_some() {
                    continue;
                }
                let smaller = image.levels[1..].iter();
                let subs: Vec<u64> = smaller
                    .map(|l| chain.append_sub(&directory::of_plane(l, plane, true)))
                    .collect();
                let mut entries = directory::of_plane(&image.levels[0], plane, false);
                if !subs.is_empty() {
                    entries.insert(tag::SUB_IFDS, Value::Long(subs));
                }
                if number == 0 {
                    self.describe(&mut entries, index);
                }
                chain.append_page(&entries).map_err(self.io("write directories"))?;
                if !self.numbers.big && chain.end() > u64::from(u32::MAX) {
                    let what = "directories beyond 4 GiB of a classic TIFF".to_owned();
                    return Err(Error::unsupported(&self.target, what, "write --to ome-zarr"));
                }
            }
        }
        chain.finish().map_err(self.io("write directories"))
    }
}

/// The planes of an image in the order of its directories.
fn planes(image: &ImageStore, kind: Kind) -> impl Iterator<Item = [u64; 3]> {
    let [t, c, z, _, _] = image.meta.shape;
    (0..t * c * z).map(move |n| match kind {
        Kind::ImageJ => [n / (c * z), n % c, n / c % z],
        Kind::Ome | Kind::Tiff => [n / (c * z), n / z % c, n % z],
    })
}

/// tifffile's description, with what the tags cannot hold.
fn shaped_text(meta: &ImageMeta) -> String {
    let shaped = Shaped {
        shape: meta.axes.pick(&meta.shape),
        axes: Some(meta.axes.to_string().to_uppercase()),
        truncated: false,
        hooke: Some(Sizes {
            voxel_size_um: meta.voxel_size_um.map(|s| s.value),
            origin_um: meta.origin_um.map(|o| o.value),
            frame_interval_s: meta.frame_interval_s,
            channels: meta.channels.clone(),
            significant_bits: Some(meta.significant_bits),
            labels: meta.labels,
        }),
    };
    serde_json::to_string(&shaped).expect("numbers and texts always serialise")
}
