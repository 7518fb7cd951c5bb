//! Service files: named sets of parameters in INI form.

use std::{fs, io, path::PathBuf};

use super::{ConninfoError, Environment, Parameters, Place, below_home};

/// Where Debian keeps the system's service file; `PGSYSCONFDIR` names another folder.
const SYSTEM_FOLDER: &str = "/etc/postgresql-common";

/// Fills parameters from the service that they, or `PGSERVICE`, name.
pub(super) fn fill(
    parameters: &mut Parameters,
    environment: &Environment<'_>,
) -> Result<(), ConninfoError> {
    let (name, place) = match parameters.get("service") {
        Some(value) => (value.text.clone(), value.place.clone()),
        None => match environment("PGSERVICE").filter(|name| !name.is_empty()) {
            Some(name) => (name, Place::Variable("PGSERVICE")),
            None => return Ok(()),
        },
    };
    let mut looked_in = Vec::new();
    for path in files(parameters, environment) {
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                looked_in.push(format!("{} (missing)", path.display()));
                continue;
            }
            Err(error) => {
                return Err(Place::Service(path, 0).trouble(format!("cannot be read: {error}")));
            }
        };
        if let Some(found) = section(&text, &name, &path)? {
            parameters.fill(found);
            return Ok(());
        }
        looked_in.push(path.display().to_string());
    }
    Err(place.trouble(format!("no service {name:?} in {}", looked_in.join(" or "))))
}

/// The user's file, then the system's.
fn files(parameters: &Parameters, environment: &Environment<'_>) -> Vec<PathBuf> {
    let named = parameters
        .text("servicefile")
        .map(PathBuf::from)
        .or_else(|| environment("PGSERVICEFILE").filter(|path| !path.is_empty()).map(Into::into));
    let own = named.or_else(|| below_home(environment, ".pg_service.conf"));
    let system = environment("PGSYSCONFDIR").unwrap_or_else(|| SYSTEM_FOLDER.to_owned());
    own.into_iter().chain([PathBuf::from(system).join("pg_service.conf")]).collect()
}

/// The parameters of one section, if the file has it.
fn section(
    text: &str,
    name: &str,
    path: &std::path::Path,
) -> Result<Option<Parameters>, ConninfoError> {
    let mut found: Option<Parameters> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let place = Place::Service(path.to_owned(), number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_suffix(']') == Some(name) {
                found = Some(Parameters::default());
            }
            continue;
        }
        let Some(parameters) = &mut found else { continue };
        if line.starts_with("ldap") {
            return Err(place.trouble("looking a service up by LDAP is not supported"));
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(place.trouble("there is no ="));
        };
        match key.trim() {
            "service" => return Err(place.trouble("a service cannot name another service")),
            key => parameters.set(key, value.trim().to_owned(), place)?,
        }
    }
    Ok(found)
}
