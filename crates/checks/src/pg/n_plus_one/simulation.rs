//! A simulated application: requests that come by chance under a load that varies, and what its statements count.

use std::f64::consts::TAU;

use dbvitals_model::pg::series::{Line, Series};

/// Seconds between two looks, unless said otherwise.
pub(crate) const EVERY: f64 = 2.0;
/// Looks at differences: two minutes.
pub(crate) const INTERVALS: usize = 60;
/// Seconds for which the load stays the same.
const PIECE: f64 = 2.0;
/// Pieces over which the load swings.
const SWING: f64 = 60.0;

/// Chance that is the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Between 0 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + whole(self.unit() * (high - low + 1) as f64)
    }

    /// Waiting time of events that come so often in a unit of time.
    fn wait(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

/// The whole part of a small number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is simulated is small and not negative"
)]
fn whole(value: f64) -> usize {
    value as usize
}

/// How many rows a list returns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows {
    Always(usize),
    Between(usize, usize),
    /// Mostly few, sometimes many.
    Tailed,
}

impl Rows {
    fn roll(self, dice: &mut Dice) -> usize {
        match self {
            Self::Always(rows) => rows,
            Self::Between(low, high) => dice.between(low, high),
            Self::Tailed => whole(3.0 / dice.unit().max(0.02)),
        }
    }
}

/// What follows a list in its request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    Nothing,
    /// So many calls for each row.
    EachRow(usize),
    /// One call for a row, by this chance: the others are cached.
    SomeRows(f64),
    /// So many calls whatever the rows.
    Fixed(usize),
}

/// All counters while the application runs.
pub(crate) struct App {
    pub(crate) dice: Dice,
    every: f64,
    intervals: usize,
    /// The load in each piece of time; 1 is usual.
    load: Vec<f64>,
    lines: Vec<Line>,
    /// Seconds that each lookup of a request takes, at most; else all of them take a fifth.
    each: Option<f64>,
}

impl App {
    /// An application whose load swings, with gusts. Its first line is what every request begins with.
    pub(crate) fn new(seed: u64) -> Self {
        Self::looked_at(seed, EVERY, INTERVALS)
    }

    /// The same, looked at so often.
    pub(crate) fn looked_at(seed: u64, every: f64, intervals: usize) -> Self {
        let dice = Dice::new(seed);
        let mut app =
            Self { dice, every, intervals, load: Vec::new(), lines: Vec::new(), each: None };
        app.load = app.curve();
        app.statement();
        app
    }

    /// The same with lookups that take so many seconds each, at most.
    pub(crate) fn slow(self, each: f64) -> Self {
        Self { each: Some(each), ..self }
    }

    /// Seconds from the first look to the last.
    fn length(&self) -> f64 {
        self.every * self.intervals as f64
    }

    /// A load that swings slowly, with gusts.
    pub(crate) fn curve(&mut self) -> Vec<f64> {
        let dice = &mut self.dice;
        let (phase, swings) = (dice.unit() * TAU, 1.0 + dice.unit() * 2.0);
        let mut gust: f64 = 1.0;
        (0..whole((self.every * self.intervals as f64 / PIECE).ceil()))
            .map(|place| {
                gust = 0.7 * gust + 0.3 * (0.4 + 1.2 * dice.unit());
                let swing = (phase + swings * TAU * place as f64 / SWING).sin();
                (1.0 + 0.6 * swing) * gust
            })
            .collect()
    }

    /// A further statement.
    pub(crate) fn statement(&mut self) -> usize {
        let query_id = i64::try_from(self.lines.len()).unwrap() + 1;
        let none = || vec![Some(0); self.intervals];
        self.lines.push(Line { query_id, calls: none(), rows: none(), ..Line::default() });
        self.lines.len() - 1
    }

    pub(crate) fn count(&mut self, line: usize, second: f64, rows: usize) {
        let place = whole(second / self.every);
        let line = &mut self.lines[line];
        if let (Some(Some(calls)), Some(Some(all))) =
            (line.calls.get_mut(place), line.rows.get_mut(place))
        {
            *calls += 1;
            *all += i64::try_from(rows).unwrap();
        }
    }

    /// Moments of events that come so often a second, by the usual load or that of somebody else.
    pub(crate) fn moments(&mut self, rate: f64, load: Option<&[f64]>) -> Vec<f64> {
        let load = load.map_or_else(|| self.load.clone(), <[f64]>::to_vec);
        let mut moments = Vec::new();
        for (place, load) in load.iter().enumerate() {
            let begin = place as f64 * PIECE;
            let mut second = begin + self.dice.wait(rate * load);
            while second < begin + PIECE {
                moments.push(second);
                second += self.dice.wait(rate * load);
            }
        }
        moments
    }

    /// Requests for a list, and what follows each.
    pub(crate) fn requests(
        &mut self,
        rate: f64,
        list: usize,
        rows: Rows,
        child: usize,
        then: Then,
    ) {
        for second in self.moments(rate, None) {
            self.count(0, second, 0);
            let rows = rows.roll(&mut self.dice);
            self.count(list, second, rows);
            let calls = match then {
                Then::Nothing => 0,
                Then::EachRow(calls) => rows * calls,
                Then::Fixed(calls) => calls,
                Then::SomeRows(chance) => (0..rows).filter(|_| self.dice.unit() < chance).count(),
            };
            let length = match self.each {
                Some(each) => each * self.dice.unit() * calls as f64,
                None => 0.02 + 0.18 * self.dice.unit(),
            };
            for call in 0..calls {
                self.count(child, second + length * call as f64 / calls as f64, 1);
            }
        }
    }

    /// Lookups that come alone, by the load.
    pub(crate) fn lookups(&mut self, rate: f64, child: usize) {
        for second in self.moments(rate, None) {
            self.count(child, second, 1);
        }
    }

    /// Lookups that come alone, whatever the load.
    pub(crate) fn steady(&mut self, rate: f64, child: usize) {
        let level = vec![1.0; self.load.len()];
        for second in self.moments(rate, Some(&level)) {
            self.count(child, second, 1);
        }
    }

    /// A worker that takes many rows at once and works on them until the next time.
    pub(crate) fn batches(&mut self, list: usize, child: usize) {
        let mut second = 10.0 * self.dice.unit();
        while second < self.length() {
            let (rows, length) = (self.dice.between(200, 1000), 8.0 + 10.0 * self.dice.unit());
            self.count(list, second, rows);
            for row in 0..rows {
                self.count(child, second + length * row as f64 / rows as f64, 1);
            }
            second += length + self.dice.unit();
        }
    }

    pub(crate) fn end(self) -> Series {
        let seconds = vec![self.every; self.intervals];
        Series { seconds, lines: self.lines, ..Series::default() }
    }
}
