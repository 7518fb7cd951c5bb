//! The reader from outside: logs of real servers, sets of files, rubbish.

mod files;
mod rubbish;
mod servers;
