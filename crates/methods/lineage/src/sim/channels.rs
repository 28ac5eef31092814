//! Cells in channels: stacked tip to tip from the closed end, washed out at the open one.

use hooke_core::seed::rng_at;
use rand::RngExt;

use super::cell::{Cell, Strain};
use super::params::{MotherMachineParams, SimOpenEnd};
use super::random::normal;

/// Pixels between the outermost channels' cells and the image's edge along x.
const MARGIN: f64 = 24.0;
/// Pixels of wall beyond the closed ends, and of trench beyond the open ends.
const CLOSED_MARGIN: f64 = 40.0;
const TRENCH: f64 = 60.0;

/// Steps per frame grow cells by this part at most.
const GROWTH_PER_STEP: f64 = 0.02;

/// Part of its place across the channel that a cell keeps from frame to frame, and how far it may wobble.
const KEEPS_PLACE: f64 = 0.8;
const WOBBLE: f64 = 0.35;

/// All channels of a position.
#[derive(Debug, Clone)]
pub(super) struct Channels {
    params: MotherMachineParams,
    pub(super) channels: Vec<Channel>,
}

/// One channel.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    strain: Strain,
    /// Middle of the channel.
    x: f64,
    /// From the closed end to the open one; empty channels stay empty.
    cells: Vec<Stacked>,
    ids: u32,
}

#[derive(Debug, Clone)]
struct Stacked {
    cell: Cell,
    /// Offset across the channel and sine of the tilt, as parts of the room there is.
    offset: f64,
    tilt: f64,
}

impl Channels {
    pub(super) fn new(params: &MotherMachineParams) -> Self {
        let mut rng = rng_at(params.seed, "lineage-channels", &[params.position.into()]);
        let mut is_empty: Vec<bool> =
            (0..params.channels).map(|i| i < params.empty_channels).collect();
        for i in (1..is_empty.len()).rev() {
            is_empty.swap(i, (rng.random::<f64>() * (i + 1) as f64) as usize);
        }
        let channels = is_empty.into_iter().zip(0..);
        let channels =
            channels.map(|(is_empty, roi)| Channel::new(params, roi, is_empty)).collect();
        let mut all = Self { params: params.clone(), channels };
        all.stack(0);
        all
    }

    /// Height and width of the images.
    pub(super) fn shape(params: &MotherMachineParams) -> [usize; 2] {
        let height = CLOSED_MARGIN + params.channel_length + TRENCH;
        let width = 2.0 * MARGIN + f64::from(params.channels) * params.channel_spacing;
        [height.ceil() as usize, width.ceil() as usize]
    }

    /// Position along y of the closed ends, and in which direction they open.
    pub(super) fn closed_end(&self) -> (f64, f64) {
        let last = Self::shape(&self.params)[0] as f64 - 1.0;
        match self.params.open_end {
            SimOpenEnd::Bottom => (CLOSED_MARGIN, 1.0),
            SimOpenEnd::Top => (last - CLOSED_MARGIN, -1.0),
        }
    }

    pub(super) fn params(&self) -> &MotherMachineParams {
        &self.params
    }

    /// Lets a frame pass.
    pub(super) fn advance(&mut self, frame: u32) {
        let steps = (self.params.growth / GROWTH_PER_STEP).ceil().max(1.0) as u32;
        for channel in &mut self.channels {
            channel.cells.iter_mut().for_each(|c| c.cell.begin_frame());
            for _ in 0..steps {
                channel.grow(1.0 / f64::from(steps), frame);
            }
        }
        self.stack(frame);
    }

    fn stack(&mut self, frame: u32) {
        let (closed, opens) = self.closed_end();
        let params = &self.params;
        for channel in &mut self.channels {
            channel.stack(params, frame, closed, opens);
        }
    }

    /// Cells of all channels with the channel's number, by channel and id.
    pub(super) fn cells(&self) -> Vec<(u16, &Cell)> {
        let mut cells: Vec<_> = (0..)
            .zip(&self.channels)
            .flat_map(|(roi, channel)| channel.cells.iter().map(move |c| (roi, &c.cell)))
            .collect();
        cells.sort_by_key(|(roi, cell)| (*roi, cell.id));
        cells
    }

    /// Light through the chip, as a part of that through an empty channel.
    pub(super) fn background(&self, y: f64, x: f64) -> f64 {
        let (closed, opens) = self.closed_end();
        let params = &self.params;
        let along = opens * (y - closed);
        let half = 0.5 * params.channel_width;
        let inside = |distance: f64| (0.5 + distance).clamp(0.0, 1.0);
        let nearest = (x - MARGIN) / params.channel_spacing;
        let nearest = nearest.floor().clamp(0.0, f64::from(params.channels) - 1.0);
        let dx = (x - self.x(nearest as u16)).abs();
        let channel = inside(half - dx) * inside(along);
        let from_trench = along - params.channel_length;
        let trench = inside(from_trench);
        // The edge of the trench shines.
        let edge = 0.8 * libm::exp(-0.5 * (from_trench - 3.0) * (from_trench - 3.0) / 2.25);
        params.optics.wall + (1.0 - params.optics.wall) * channel.max(0.8 * trench) + edge
    }

    fn x(&self, channel: u16) -> f64 {
        channel_x(&self.params, channel)
    }

    /// Boxes `[xtl, ytl, xbr, ybr]` around the channels, in the levelled first frame.
    pub(super) fn boxes(&self) -> Vec<[i64; 4]> {
        const ROOM: f64 = 3.0;
        let (closed, opens) = self.closed_end();
        let half = 0.5 * self.params.channel_width + ROOM;
        let open = closed + opens * self.params.channel_length;
        let [top, bottom] = [(closed - opens * ROOM).min(open), (closed - opens * ROOM).max(open)];
        let channel = |c: &Channel| [c.x - half, top, c.x + half, bottom].map(|v| v.round() as i64);
        self.channels.iter().map(channel).collect()
    }
}

fn channel_x(params: &MotherMachineParams, channel: u16) -> f64 {
    MARGIN + params.channel_spacing * (f64::from(channel) + 0.5)
}

impl Channel {
    fn new(params: &MotherMachineParams, roi: u16, is_empty: bool) -> Self {
        let strain = Strain {
            seed: params.seed,
            position: params.position,
            roi,
            growth: params.growth,
            fluo: params.fluo,
            fluo_cv: params.optics.fluo_cv,
            cells: params.cells.clone(),
        };
        let mut channel = Self { strain, x: channel_x(params, roi), cells: Vec::new(), ids: 0 };
        let filled: f64 = channel.strain.rng("lineage-filling", 0, 0).random();
        let mut room = params.channel_length * (0.5 + 0.5 * filled);
        while room > 0.0 && !is_empty {
            channel.ids += 1;
            let cell = Cell::founder(channel.ids, &channel.strain);
            room -= cell.body.length + params.cells.gap;
            channel.cells.push(Stacked { cell, offset: 0.0, tilt: 0.0 });
        }
        channel
    }

    fn grow(&mut self, frames: f64, frame: u32) {
        let before = std::mem::take(&mut self.cells);
        for mut stacked in before {
            stacked.cell.grow(frames);
            if !stacked.cell.is_due() {
                self.cells.push(stacked);
                continue;
            }
            self.ids += 1;
            let Stacked { cell, offset, tilt } = stacked;
            let daughters = cell.divide(self.ids, frame, &self.strain);
            self.cells.extend(daughters.map(|cell| Stacked { cell, offset, tilt }));
        }
    }

    /// Puts cells in their places from the closed end; those beyond the open end are gone.
    fn stack(&mut self, params: &MotherMachineParams, frame: u32, closed: f64, opens: f64) {
        let mut from_closed = 0.5 * params.cells.gap;
        for Stacked { cell, offset, tilt } in &mut self.cells {
            let mut rng = self.strain.rng("lineage-wobble", cell.id, frame);
            for place in [&mut *offset, &mut *tilt] {
                let moved = KEEPS_PLACE * *place + WOBBLE * normal(&mut rng);
                *place = moved.clamp(-1.0, 1.0);
            }
            let body = &mut cell.body;
            let room = (0.5 * params.channel_width - body.radius - 0.25).max(0.0);
            let arm = 0.5 * body.length - body.radius;
            // Half of the room is for the tilt, half for the offset.
            let sine = (0.5 * *tilt * room / arm.max(0.1)).clamp(-0.3, 0.3);
            let cosine = (1.0 - sine * sine).sqrt();
            let extent = 2.0 * (arm * cosine + body.radius);
            body.axis = [opens * cosine, sine];
            body.center =
                [closed + opens * (from_closed + 0.5 * extent), self.x + 0.5 * *offset * room];
            from_closed += extent + params.cells.gap;
        }
        let leaves = |c: &Stacked| opens * (c.cell.body.center[0] - closed) > params.channel_length;
        self.cells.truncate(self.cells.iter().position(leaves).unwrap_or(self.cells.len()));
    }
}
