//! What the user typed to name a server: URLs, `key=value` strings, `PG*` variables, service and password
//! files, read as libpq reads them.

mod keyvalue;
mod keyword;
pub(crate) mod passfile;
mod percent;
mod service;
mod settle;
mod tls_settings;
mod url;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use keyword::{KEYWORDS, Keyword, Support};

use crate::Target;

/// Answers an environment variable. This crate reads the environment in no other way.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A connection string, file or variable that cannot be understood. Never holds a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ConninfoError {
    place: Place,
    what: String,
}

/// Where a parameter came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The URL.
    Url,
    /// The `key=value` string.
    Text,
    /// A variable.
    Variable(&'static str),
    /// A line of a service file, counted from 1.
    Service(PathBuf, usize),
}

/// A parameter's value and where it came from. Has no `Debug`: it may be a password.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Parameters by name.
#[derive(Clone, Default)]
pub(crate) struct Parameters(BTreeMap<&'static str, Value>);

/// Reads a connection string and whatever it refers to.
pub(crate) fn parse(text: &str, environment: &Environment<'_>) -> Result<Target, ConninfoError> {
    let mut parameters = if url::is_url(text) {
        url::parse(text)?
    } else if let Some((scheme, _)) = text.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        let what = format!("unknown scheme {scheme}; write postgres://user@host:port/database");
        return Err(Place::Url.trouble(what));
    } else {
        keyvalue::parse(text)?
    };
    service::fill(&mut parameters, environment)?;
    fill_from_variables(&mut parameters, environment)?;
    settle::settle(&parameters, environment)
}

/// Variables fill what nothing else has said.
fn fill_from_variables(
    parameters: &mut Parameters,
    environment: &Environment<'_>,
) -> Result<(), ConninfoError> {
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        if parameters.get(keyword.name).is_none()
            && let Some(text) = environment(variable)
            && !text.is_empty()
        {
            parameters.set(keyword.name, text, Place::Variable(variable))?;
        }
    }
    if parameters.get("sslmode").is_none() && environment("PGREQUIRESSL").as_deref() == Some("1") {
        parameters.set("sslmode", "require".to_owned(), Place::Variable("PGREQUIRESSL"))?;
    }
    Ok(())
}

/// A file below the home folder, as libpq finds it.
pub(crate) fn below_home(environment: &Environment<'_>, file: &str) -> Option<PathBuf> {
    environment("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(&home).join(file))
}

impl Parameters {
    /// Sets a parameter; a later value replaces an earlier one.
    pub(crate) fn set(
        &mut self,
        name: &str,
        text: String,
        place: Place,
    ) -> Result<(), ConninfoError> {
        let Some(keyword) = Keyword::find(name) else {
            return Err(place.trouble(keyword::unknown(name)));
        };
        match keyword.support {
            Support::Used => {
                self.0.insert(keyword.name, Value { text, place });
            }
            Support::Ignored => {}
            Support::Refused(why) => {
                return Err(place.trouble(format!("{name} cannot be used here: {why}")));
            }
        }
        Ok(())
    }

    /// A parameter that has a value; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.text.is_empty())
    }

    /// The text of a parameter that has a value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|value| value.text.as_str())
    }

    /// Takes over what is not set here.
    pub(crate) fn fill(&mut self, others: Self) {
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
    }
}

impl Place {
    /// An error at this place.
    pub(crate) fn trouble(&self, what: impl Into<String>) -> ConninfoError {
        ConninfoError { place: self.clone(), what: what.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("connection URL"),
            Self::Text => f.write_str("connection string"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Service(path, 0) => write!(f, "service file {}", path.display()),
            Self::Service(path, line) => {
                write!(f, "service file {}, line {line}", path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests;
