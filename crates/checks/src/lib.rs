//! The catalogue of checks and the score: pure judgement over a snapshot.
