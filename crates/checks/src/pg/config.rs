//! Configuration and version.

pub mod advice;
pub mod durability_off;
pub mod planner_method_disabled;
