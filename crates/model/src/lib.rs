//! Values of dbvitals: snapshots, findings, scores, units. No I/O.
