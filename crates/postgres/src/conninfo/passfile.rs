//! Password files: `host:port:database:user:password`, one per line.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use secrecy::SecretString;

/// The lines of a password file.
pub(crate) struct PassFile {
    lines: Vec<[String; 5]>,
}

/// What a password is looked up by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The host's name or address; `localhost` for the default socket.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

impl PassFile {
    /// Reads a file. As in libpq, one that others may read is passed over; the error says so.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let file = || format!("password file {}", path.display());
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!("{} does not exist", file()));
            }
            Err(error) => return Err(format!("{} cannot be read: {error}", file())),
        };
        if !metadata.is_file() {
            return Err(format!("{} is not a plain file; it is ignored", file()));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            return Err(format!(
                "{} may be read by others; it is ignored. Run: chmod 600 {path}",
                file()
            ));
        }
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", file()))?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads lines; those without five fields, and comments, are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { lines: lines.filter_map(fields).collect() }
    }

    /// The password of the first line that fits.
    pub(crate) fn find(&self, wanted: Wanted<'_>) -> Option<SecretString> {
        let port = wanted.port.to_string();
        let against = [wanted.host, &port, wanted.database, wanted.user];
        let fits = |line: &&[String; 5]| {
            line.iter().zip(against).all(|(field, value)| field == "*" || field == value)
        };
        self.lines.iter().find(fits).map(|line| SecretString::from(line[4].clone()))
    }
}

/// Five fields; a backslash makes a colon, or a backslash, plain.
fn fields(line: &str) -> Option<[String; 5]> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        fields.last_mut()?.push(plain);
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn found(text: &str, host: &str, user: &str) -> Option<String> {
        let wanted = Wanted { host, port: 5432, database: "app", user };
        PassFile::parse(text).find(wanted).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_first_fitting_line_wins() {
        let text = "# comment\nother:*:*:*:no\nbroken line\n*:5432:app:me:yes\n*:*:*:*:last\n";
        assert_eq!(found(text, "db", "me").as_deref(), Some("yes"));
        assert_eq!(found(text, "db", "you").as_deref(), Some("last"));
        assert_eq!(found("db:1:*:*:x", "db", "me"), None);
    }

    #[test]
    fn colons_and_backslashes_are_escaped() {
        let text = r"\:\:1:*:*:a\\b:p\:w:with\\more";
        assert_eq!(found(text, "::1", r"a\b").as_deref(), Some(r"p:w:with\more"));
    }

    #[test]
    fn a_file_others_may_read_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(&path, "*:*:*:*:secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let why = PassFile::read(&path).err().unwrap();
        assert!(why.contains("chmod 600") && !why.contains("secret"), "{why}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(PassFile::read(&path).is_ok());
    }

    proptest! {
        #[test]
        fn escaped_fields_come_back(
            host in "[ -~]{1,12}", user in "[ -~]{1,12}", password in "[ -~]{0,12}"
        ) {
            let escape = |text: &str| text.replace('\\', r"\\").replace(':', r"\:");
            // A leading # makes a comment, which no escaping undoes.
            prop_assume!(!host.starts_with('#'));
            let line = format!("{}:*:*:{}:{}", escape(&host), escape(&user), escape(&password));
            prop_assert_eq!(found(&line, &host, &user), Some(password));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = found(&text, "db", "me");
        }
    }
}
