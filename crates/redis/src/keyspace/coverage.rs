//! Whether margins hold what they promise: walks over made-up keys whose truth is known.

use super::{
    estimate::{Account, Frame, Part, part, shares},
    tally::{Details, Tally},
};

/// The same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 2_f64.powi(53)
    }

    /// Of the standard normal curve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// Sizes of the keys of a pattern, one after the other.
type Size<'a> = &'a dyn Fn(&mut Random) -> f64;

/// Keys of a server: each of a pattern, and of a size.
struct Keys {
    keys: Vec<(usize, i64)>,
    patterns: usize,
}

impl Keys {
    /// Patterns of so many keys, of the sizes that a function gives.
    fn new(patterns: &[(usize, Size<'_>)]) -> Self {
        let mut random = Random(20_261_121);
        let mut keys = Vec::new();
        for (at, (count, size)) in patterns.iter().enumerate() {
            for _ in 0..*count {
                #[expect(clippy::cast_possible_truncation, reason = "a size")]
                keys.push((at, size(&mut random).max(50.0) as i64));
            }
        }
        Self { keys, patterns: patterns.len() }
    }

    /// Keys and memory of each pattern.
    fn truth(&self) -> Vec<(f64, f64)> {
        let mut all = vec![(0.0, 0.0); self.patterns];
        for (pattern, size) in &self.keys {
            all[*pattern].0 += 1.0;
            all[*pattern].1 += *size as f64;
        }
        all
    }

    /// What `--quick` does: places of some twenty keys each, in an order that knows nothing of the keys.
    fn places(&mut self, asked: usize, random: &mut Random) -> (Vec<Tally>, Frame) {
        let mut tallies = vec![Tally::default(); self.patterns];
        let (mut named, mut count, mut squares) = (0, 0.0, 0.0);
        while named < asked {
            let size = 16 + random.below(12);
            for place in named..(named + size).min(self.keys.len()) {
                let other = place + random.below(self.keys.len() - place);
                self.keys.swap(place, other);
                let (pattern, bytes) = self.keys[place];
                let tally = &mut tallies[pattern];
                tally.name(b"name");
                tally.details(Details { memory_bytes: bytes, ..Details::default() });
                tally.places.get_or_insert_default().here += 1;
            }
            named += size;
            let size = u64::try_from(size).unwrap();
            for tally in tallies.iter_mut().filter(|it| it.places.is_some()) {
                tally.end_place(size);
            }
            count += 1.0;
            squares += (size * size) as f64;
        }
        let bytes: f64 = tallies.iter().map(|tally| tally.bytes).sum();
        let frame = Frame {
            total: self.keys.len() as f64,
            named: named as f64,
            is_whole: false,
            typical: bytes / named as f64,
            places: Some((count, squares)),
        };
        (tallies, frame)
    }

    /// What the survey does: every name, and of each pattern all keys up to so many, then ever fewer.
    fn survey(&mut self, base: u64, random: &mut Random) -> (Vec<Tally>, Frame) {
        let mut tallies = vec![Tally::default(); self.patterns];
        let all = self.keys.len();
        for place in 0..all {
            let other = place + random.below(all - place);
            self.keys.swap(place, other);
            let (pattern, bytes) = self.keys[place];
            let tally = &mut tallies[pattern];
            tally.name(b"name");
            let stride = (tally.named / base).max(1);
            if tally.named <= base || tally.named.is_multiple_of(1 << stride.ilog2()) {
                tally.details(Details { memory_bytes: bytes, ..Details::default() });
            }
        }
        let frame =
            Frame { total: all as f64, named: all as f64, is_whole: true, ..Frame::default() };
        (tallies, frame)
    }
}

/// How often each kind of margin held the truth, of patterns that were met.
#[derive(Debug, Default)]
struct Held {
    met: f64,
    keys: f64,
    memory: f64,
    shares: f64,
    /// The mean margin of a share.
    width: f64,
}

impl Held {
    fn add(&mut self, tallies: &[Tally], frame: &Frame, truth: &[(f64, f64)]) {
        let all: f64 = truth.iter().map(|(_, memory)| memory).sum();
        let met: Vec<usize> =
            (0..tallies.len()).filter(|pattern| tallies[*pattern].named > 0).collect();
        let parts: Vec<Part> = met.iter().map(|pattern| part(&tallies[*pattern], frame)).collect();
        // The server's own account, half a percent off.
        let expected = 1.005 * all;
        let (sum, margin) = super::estimate::memory(&parts);
        let is_whole = (expected - sum - margin) / expected > 0.05;
        let account = (!frame.is_whole).then_some(Account { expected, is_whole });
        for (pattern, share) in met.iter().zip(shares(&parts, account)) {
            let (keys, memory) = truth[*pattern];
            let is_held = |ours: f64, truth: f64, margin: f64| {
                f64::from(u8::from((ours - truth).abs() <= margin + 1e-9))
            };
            self.met += 1.0;
            self.keys += is_held(share.keys, keys, share.keys_margin);
            self.memory += is_held(share.memory_bytes, memory, share.memory_margin_bytes);
            self.shares += is_held(share.memory_ratio, memory / all, share.memory_ratio_margin);
            self.width += share.memory_ratio_margin;
        }
    }

    fn rates(&self) -> [f64; 4] {
        [self.keys, self.memory, self.shares, self.width].map(|it| it / self.met)
    }
}

fn even(random: &mut Random) -> f64 {
    100.0 + 900.0 * random.share()
}

fn skewed(random: &mut Random) -> f64 {
    300.0 * (0.8 * random.normal()).exp()
}

fn heavy(random: &mut Random) -> f64 {
    300.0 * (1.4 * random.normal()).exp()
}

/// One key in fifty is thirty times larger.
fn two_kinds(random: &mut Random) -> f64 {
    if random.below(50) == 0 { 9000.0 } else { 250.0 + 100.0 * random.share() }
}

fn huge(random: &mut Random) -> f64 {
    4e6 + 1e6 * random.share()
}

type Population = (&'static str, Keys);

fn populations(part: usize) -> Vec<Population> {
    let counts = [60_000, 40_000, 24_000, 16_000, 12_000, 10_000, 3000].map(|count| count / part);
    let of = |size: Size<'_>| Keys::new(&counts.map(|count| (count, size)));
    let rare = [150_000 / part, 400, 200, 100, 60, 30, 10];
    vec![
        ("even sizes", of(&even)),
        ("skewed sizes", of(&skewed)),
        ("heavy tails", of(&heavy)),
        ("two kinds of sizes", of(&two_kinds)),
        ("rare patterns", Keys::new(&rare.map(|count| (count, &even as _)))),
        (
            "rare huge keys",
            Keys::new(&[
                (90_000 / part, &even),
                (60_000 / part, &skewed),
                (30_000 / part, &two_kinds),
                (5, &huge),
                (2, &huge),
            ]),
        ),
    ]
}

#[test]
fn margins_of_places_hold_the_truth() {
    for (name, mut keys) in populations(1) {
        let truth = keys.truth();
        let mut held = Held::default();
        for seed in 0..60 {
            let (tallies, frame) = keys.places(5000, &mut Random(seed));
            held.add(&tallies, &frame, &truth);
        }
        let [keys, memory, shares, width] = held.rates();
        println!("{name}: keys {keys:.3}, memory {memory:.3}, shares {shares:.3}, ± {width:.4}");
        assert!(keys >= 0.93 && memory >= 0.93 && shares >= 0.93, "{name}: {held:?}");
        assert!(width < 0.1, "{name}: a margin that says nothing is easily right: {width}");
    }
}

#[test]
fn margins_of_a_survey_hold_the_truth() {
    for (name, mut keys) in populations(8) {
        let truth = keys.truth();
        let mut held = Held::default();
        for seed in 0..50 {
            let (tallies, frame) = keys.survey(100, &mut Random(seed));
            held.add(&tallies, &frame, &truth);
        }
        let [keys, memory, shares, width] = held.rates();
        println!("{name}: keys {keys:.3}, memory {memory:.3}, shares {shares:.3}, ± {width:.4}");
        assert!(keys >= 1.0 && memory >= 0.93 && shares >= 0.93, "{name}: {held:?}");
        assert!(width < 0.05, "{name}: {width}");
    }
}
