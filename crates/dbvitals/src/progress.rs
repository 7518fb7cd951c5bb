//! Progress on standard error: one line that says what is being looked at, gone when done.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is under way, by target.
pub(crate) struct Progress {
    bar: ProgressBar,
    steps: Mutex<BTreeMap<String, String>>,
}

impl Progress {
    /// Shown on a terminal unless the user wants quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let draw = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, draw);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        if shown {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, steps: Mutex::default() }
    }

    /// A target begins a step.
    pub(crate) fn step(&self, target: &str, step: &str) {
        self.change(|steps| {
            steps.insert(target.to_owned(), step.to_owned());
        });
    }

    /// A target is done.
    pub(crate) fn done(&self, target: &str) {
        self.change(|steps| {
            steps.remove(target);
        });
    }

    /// Everything is done.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        // A poisoned lock only means that another thread stopped between two lines of progress.
        let mut steps = self.steps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut steps);
        let line: Vec<String> =
            steps.iter().map(|(target, step)| format!("{target}: {step}")).collect();
        self.bar.set_message(line.join("   "));
    }
}
