//! Conditions on real servers as their logs tell them: found, the cause taken away, and silence in what is logged then.

mod locks;
mod logged;
mod maintenance;
mod replay;
mod sequences;
mod sessions;
mod statements;
mod trouble;
