//! Tables, bloat, vacuum and wraparound.
