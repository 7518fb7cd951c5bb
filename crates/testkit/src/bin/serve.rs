//! Runs one throwaway server until standard input closes: `serve postgres 13..18|debian15`, with settings as
//! `max_connections=300`, or `serve redis 6.2|7`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::{env, io, process::ExitCode};

use dbvitals_testkit::{PgVersion, Postgres, Redis, RedisVersion, TestkitError};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match serve(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!(
                "usage: serve postgres 13|14|15|16|17|18|debian15 [SETTING=VALUE ...], or serve redis 6.2|7"
            );
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the words were understood; the server has run by then.
fn serve(words: &[&str]) -> Result<bool, TestkitError> {
    match words {
        ["postgres", version, settings @ ..] => {
            let Some(version) = postgres_version(version) else { return Ok(false) };
            let mut builder = Postgres::builder(version).preload("pg_stat_statements");
            for setting in settings {
                let Some((name, value)) = setting.split_once('=') else { return Ok(false) };
                builder = builder.setting(name, value);
            }
            let server = builder.start()?;
            announce(&server.superuser_url("postgres"), server.folder(), server.pid());
        }
        ["redis", version] => {
            let version = match *version {
                "6.2" => RedisVersion::V6_2,
                "7" => RedisVersion::V7,
                _ => return Ok(false),
            };
            let server = Redis::builder(version).start()?;
            announce(&server.url(), server.folder(), server.pid());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Prints URL, process id and folder on three lines, and waits for the end of standard input.
fn announce(url: &str, folder: &std::path::Path, pid: Option<u32>) {
    println!("{url}\n{}\n{}", pid.unwrap_or_default(), folder.display());
    // An unreadable standard input is as good as a closed one.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
}

fn postgres_version(name: &str) -> Option<PgVersion> {
    match name {
        "debian15" => Some(PgVersion::Debian15),
        _ => PgVersion::ALL.into_iter().find(|version| version.major().to_string() == name),
    }
}
