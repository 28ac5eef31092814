//! How the samples of an image lie in its block.

use hooke_core::{Channel, Dtype};

use super::container::Block;
use super::description::{Described, Dimension, EMISSION, T, X, Y, Z};

/// Longer dimensions are a lie, and so are more tiles and more planes of an image.
const LONGEST: u64 = 1 << 31;
const MOST_TILES: u64 = 100_000;
const MOST_PLANES: u64 = 2_000_000;
const MOST_CHANNELS: u64 = 1 << 16;

/// Why an image is left out: a code of problems, and words.
pub(super) type Refused = (&'static str, String);

pub(super) fn invalid(why: impl Into<String>) -> Refused {
    ("metadata-invalid", why.into())
}

/// How the samples of an image lie in its block.
pub(super) struct Layout<'a> {
    pub dtype: Dtype,
    pub bits: u32,
    /// Over `t, c, z, y, x`.
    pub shape: [u64; 5],
    /// Bytes from one index to the next; 0 along c, whose channels have offsets.
    pub steps: [u64; 5],
    /// Of each channel, emission steps within stored channels.
    pub offsets: Vec<u64>,
    stored: Vec<Channel>,
    pub time: Option<&'a Dimension>,
    emission: Option<&'a Dimension>,
    /// z, y, x.
    pub space: [Option<&'a Dimension>; 3],
    /// Dimensions whose indices are images.
    pub others: Vec<&'a Dimension>,
}

impl<'a> Layout<'a> {
    pub fn of(described: &'a Described, block: Block) -> Result<Layout<'a>, Refused> {
        let find = |id: u32| described.dimensions.iter().find(|d| d.id == id);
        let mut ids: Vec<u32> = described.dimensions.iter().map(|d| d.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|w| w[0] == w[1]) {
            return Err(invalid("it names a dimension twice"));
        }
        let mut channels: Vec<_> = described.channels.iter().collect();
        // Colour cameras may store blue first.
        channels.sort_by_key(|c| (c.tag > 3, c.tag));
        if !matches!(channels.iter().map(|c| c.tag).collect::<Vec<_>>()[..], [1, 2, 3]) {
            channels = described.channels.iter().collect();
        }
        let dtype = channels.first().and_then(|c| c.dtype());
        let dtype = dtype.filter(|d| channels.iter().all(|c| c.dtype() == Some(*d)));
        let dtype = dtype.ok_or_else(|| invalid("its channels have no or several sample types"))?;
        let (time, emission) = (find(T), find(EMISSION));
        let space = [find(Z), find(Y), find(X)];
        let spectrum = emission.map_or(1, |d| d.count);
        let along = |d: Option<&Dimension>| d.map_or((1, 0), |d| (d.count, d.step));
        let [t, z, y, x] = [time, space[0], space[1], space[2]].map(along);
        let named = [X, Y, Z, T, EMISSION];
        let others: Vec<&Dimension> =
            described.dimensions.iter().filter(|d| !named.contains(&d.id) && d.count > 1).collect();
        let stored = channels.len() as u64;
        check(described, block, stored, dtype.size() as u64)?;
        let tiles = others.iter().fold(1u64, |n, d| n.saturating_mul(d.count));
        if tiles > MOST_TILES {
            return Err(invalid("it has more tiles than any microscope takes"));
        }
        let channels_in_all = stored.saturating_mul(spectrum);
        if tiles.saturating_mul(channels_in_all) > MOST_CHANNELS * 64
            || channels_in_all > MOST_CHANNELS
        {
            return Err(invalid("it has more channels than any microscope takes"));
        }
        if [t.0, z.0, channels_in_all].iter().fold(tiles, |n, m| n.saturating_mul(*m)) > MOST_PLANES
        {
            return Err(invalid("it has more planes than any microscope takes"));
        }
        let step = emission.map_or(0, |d| d.step);
        let offsets =
            channels.iter().flat_map(|c| (0..spectrum).map(move |l| c.offset + l * step)).collect();
        Ok(Layout {
            dtype,
            bits: channels.iter().map(|c| c.bits).max().unwrap_or(8),
            shape: [t.0, stored * spectrum, z.0, y.0, x.0],
            steps: [t.1, 0, z.1, y.1, x.1],
            offsets,
            stored: channels.into_iter().map(|c| c.channel.clone()).collect(),
            time,
            emission,
            space,
            others,
        })
    }

    /// The index along one of the other dimensions of the image of a number, the last one fastest.
    pub fn index(&self, number: u64, id: u32) -> u64 {
        let mut rest = number;
        for dimension in self.others.iter().rev() {
            if dimension.id == id {
                return rest % dimension.count;
            }
            rest /= dimension.count;
        }
        0
    }

    /// Emission steps of a stored channel are channels with their wavelengths.
    pub fn channels(&self) -> Vec<Channel> {
        let Some(emission) = self.emission.filter(|d| d.count > 1) else {
            return self.stored.clone();
        };
        let nm = emission.micrometres().map(|um| um * 1000.0);
        let wavelength = |l: u64| {
            let at = emission.origin + l as f64 * emission.spacing().unwrap_or(0.0);
            nm.map(|nm| at * nm)
        };
        let steps = || (0..emission.count).map(wavelength);
        let of = |stored: &Channel| -> Vec<Channel> {
            steps().map(|emission_nm| Channel { emission_nm, ..stored.clone() }).collect()
        };
        self.stored.iter().flat_map(of).collect()
    }
}

/// Refuses dimensions that lie about the block's size.
fn check(described: &Described, block: Block, channels: u64, size: u64) -> Result<(), Refused> {
    let mut samples: u64 = channels.saturating_mul(size);
    let mut last: u64 = size;
    for dimension in &described.dimensions {
        let Dimension { count, step, .. } = *dimension;
        if count == 0 || count > LONGEST || (count > 1 && (step == 0 || step % size != 0)) {
            return Err(invalid(format!(
                "its dimension {} has {count} elements {step} bytes apart",
                dimension.id
            )));
        }
        samples = samples.saturating_mul(count);
        last = last.saturating_add((count - 1).saturating_mul(step));
    }
    let offset = described.channels.iter().map(|c| c.offset).max().unwrap_or(0);
    if described.channels.iter().any(|c| c.offset % size != 0) {
        return Err(invalid("a channel begins within a sample"));
    }
    let needed = samples.max(last.saturating_add(offset));
    if needed > block.size {
        return Err(invalid(format!("it needs {needed} bytes and its block has {}", block.size)));
    }
    Ok(())
}

/// Channels that lie at one distance from each other: number of the first, how many, the first
/// one's offset, and the distance.
pub(super) fn runs(offsets: &[u64]) -> Vec<(u64, u64, u64, u64)> {
    let step = match offsets {
        [a, b, ..] => b.checked_sub(*a).filter(|s| *s > 0),
        _ => Some(0),
    };
    if let Some(step) = step
        && offsets.windows(2).all(|w| w[0].checked_add(step) == Some(w[1]))
    {
        return vec![(0, offsets.len() as u64, offsets.first().copied().unwrap_or(0), step)];
    }
    (0u64..).zip(offsets).map(|(c, offset)| (c, 1, *offset, 0)).collect()
}
