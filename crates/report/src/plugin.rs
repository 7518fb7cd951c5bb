//! One line for monitoring systems that run plugins: state, text, performance data, exit code.

use dbvitals_model::{Unit, report::Wanted};

use crate::{humanize, visible};

/// The state of a vital sign, in the order monitoring systems number them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// As wanted.
    Ok,
    /// Beyond the warning threshold.
    Warning,
    /// Beyond the critical threshold.
    Critical,
    /// Not measured.
    Unknown,
}

/// One vital sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Vital {
    /// Label of the performance data: `pg-main connections`.
    pub name: String,
    /// The measured value; `None` when it could not be measured.
    pub value: Option<f64>,
    /// What the value counts.
    pub unit: Unit,
    /// Beyond this it is a warning.
    pub warn: Option<Wanted>,
    /// Beyond this it is critical.
    pub crit: Option<Wanted>,
    /// The verdict.
    pub state: State,
    /// What to say when the state is not OK: `connection refused`.
    pub text: String,
}

/// What to print and how to exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// One line, without a line feed.
    pub line: String,
    /// The worst state.
    pub state: State,
    /// 0 OK, 1 warning, 2 critical, 3 unknown.
    pub exit_code: u8,
}

impl State {
    /// The exit code monitoring systems expect.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word at the head of the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// A known problem outweighs an unknown value, an unknown value outweighs a good one.
    fn weight(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }
}

/// `DBVITALS WARNING - hit ratio 87 % (below 95 %) | 'hit ratio'=87.3%;95:;50:;0;100`. No vital
/// signs at all are unknown.
pub fn render(vitals: &[Vital]) -> Output {
    let worst = vitals.iter().map(|v| v.state).max_by_key(|s| s.weight());
    let state = worst.unwrap_or(State::Unknown);
    let mut bad: Vec<&Vital> = vitals.iter().filter(|v| v.state != State::Ok).collect();
    bad.sort_by_key(|v| std::cmp::Reverse(v.state.weight()));
    let said: Vec<String> = if vitals.is_empty() {
        vec!["nothing was measured".to_owned()]
    } else if bad.is_empty() {
        vitals.iter().map(summary).collect()
    } else {
        bad.iter().map(|v| format!("{}: {}", v.state.as_str(), summary(v))).collect()
    };
    let data: Vec<String> = vitals.iter().map(performance).collect();
    let mut line = format!("DBVITALS {} - {}", state.as_str(), said.join(", "));
    if !data.is_empty() {
        line.push_str(" | ");
        line.push_str(&data.join(" "));
    }
    Output { line, state, exit_code: state.exit_code() }
}

/// Name, value and text; the separator of the performance data cannot occur.
fn summary(vital: &Vital) -> String {
    let mut words = vital.name.clone();
    if let Some(value) = vital.value.filter(|v| v.is_finite()) {
        words.push(' ');
        words.push_str(&humanize::quantity(value, vital.unit));
    }
    if !vital.text.is_empty() {
        words.push_str(" (");
        words.push_str(&vital.text);
        words.push(')');
    }
    visible::inline(&words).replace('|', "¦")
}

/// `'label'=value[unit];warn;crit;min;max`.
fn performance(vital: &Vital) -> String {
    let label = visible::inline(&vital.name).replace('\'', "").replace(['=', '|'], "_");
    let (unit, factor) = measure_of(vital.unit);
    let value = match vital.value.filter(|v| v.is_finite()) {
        Some(value) => format!("{}{unit}", plain(value * factor)),
        None => "U".to_owned(),
    };
    let range = |wanted: Option<Wanted>| match wanted {
        Some(Wanted::AtMost(most)) if most.is_finite() => plain(most * factor),
        Some(Wanted::AtLeast(least)) if least.is_finite() => format!("{}:", plain(least * factor)),
        _ => String::new(),
    };
    let (min, max) = if vital.unit == Unit::Ratio { ("0", "100") } else { ("0", "") };
    let data = format!("'{label}'={value};{};{};{min};{max}", range(vital.warn), range(vital.crit));
    data.trim_end_matches(';').to_owned()
}

/// The unit of measurement plugins know, and the factor that leads to it.
fn measure_of(unit: Unit) -> (&'static str, f64) {
    match unit {
        Unit::Bytes => ("B", 1.0),
        Unit::Ms => ("s", 0.001),
        Unit::Seconds => ("s", 1.0),
        Unit::Days => ("s", 86_400.0),
        Unit::Ratio => ("%", 100.0),
        _ => ("", 1.0),
    }
}

/// A number with at most six decimals, never in scientific notation.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vital(name: &str, value: Option<f64>, unit: Unit, state: State) -> Vital {
        Vital {
            name: name.to_owned(),
            value,
            unit,
            warn: None,
            crit: None,
            state,
            text: String::new(),
        }
    }

    #[test]
    fn all_well_is_exit_code_zero() {
        let mut connections = vital("connections", Some(0.42), Unit::Ratio, State::Ok);
        connections.warn = Some(Wanted::AtMost(0.75));
        connections.crit = Some(Wanted::AtMost(0.9));
        let output = render(&[connections, vital("size", Some(1024.0), Unit::Bytes, State::Ok)]);
        assert_eq!(
            output.line,
            "DBVITALS OK - connections 42 %, size 1 kB | 'connections'=42%;75;90;0;100 'size'=1024B;;;0"
        );
        assert_eq!(output.exit_code, 0);
    }

    #[test]
    fn the_worst_is_said_first_and_sets_the_exit_code() {
        let mut ratio = vital("cache hit ratio", Some(0.873), Unit::Ratio, State::Warning);
        ratio.warn = Some(Wanted::AtLeast(0.95));
        let mut lag = vital("lag", Some(6200.0), Unit::Ms, State::Critical);
        lag.crit = Some(Wanted::AtMost(5000.0));
        lag.text = "standby a|b\nc".to_owned();
        let output = render(&[vital("size", Some(1.0), Unit::Bytes, State::Ok), ratio, lag]);
        assert_eq!(
            output.line,
            "DBVITALS CRITICAL - CRITICAL: lag 6.2 s (standby a¦b\\nc), WARNING: cache hit ratio \
             87.3 % | 'size'=1B;;;0 'cache hit ratio'=87.3%;95:;;0;100 'lag'=6.2s;;5;0"
        );
        assert_eq!(output.exit_code, 2);
    }

    #[test]
    fn unknown_outweighs_good_and_is_outweighed_by_a_problem() {
        let unknown = vital("lag", None, Unit::Ms, State::Unknown);
        let output = render(&[vital("size", Some(1.0), Unit::Bytes, State::Ok), unknown.clone()]);
        assert_eq!(output.exit_code, 3);
        assert!(output.line.ends_with("'lag'=U;;;0"), "{}", output.line);
        let bad = vital("cpu", Some(0.8), Unit::Ratio, State::Warning);
        assert_eq!(render(&[unknown, bad]).exit_code, 1);
        assert_eq!(render(&[]).exit_code, 3);
    }

    #[test]
    fn labels_cannot_break_the_line() {
        let output = render(&[vital("it's a=b|c\nd", Some(-0.0), Unit::Count, State::Ok)]);
        assert_eq!(output.line, "DBVITALS OK - it's a=b¦c\\nd 0 | 'its a_b_c\\nd'=0;;;0");
    }
}
