//! A number that only grows, until it is reset.

/// A value read twice.
pub(super) trait Counter: Sized {
    /// How much it grew; `None` when it fell, was below zero (which no counter is), or when only one of the looks
    /// had it.
    fn grown_since(&self, before: &Self) -> Option<Self>;
}

impl Counter for i64 {
    fn grown_since(&self, before: &Self) -> Option<Self> {
        self.checked_sub(*before).filter(|grown| *grown >= 0 && *before >= 0)
    }
}

impl Counter for f64 {
    fn grown_since(&self, before: &Self) -> Option<Self> {
        let grown = self - before;
        (*before >= 0.0 && grown >= 0.0 && grown.is_finite()).then_some(grown)
    }
}

impl<C: Counter> Counter for Option<C> {
    /// Absent from both looks: the server does not have it, which is no obstacle.
    fn grown_since(&self, before: &Self) -> Option<Self> {
        match (self, before) {
            (Some(after), Some(before)) => after.grown_since(before).map(Some),
            (None, None) => Some(None),
            _ => None,
        }
    }
}

/// Replaces the named fields of `$row` (a copy of the second look) by their growth since `$before`; leaves the
/// enclosing function with `None` when one of them fell.
macro_rules! keep_growth {
    ($row:ident since $before:ident: $($field:ident)+) => {
        $($row.$field = $crate::pg::window::counter::Counter::grown_since(&$row.$field, &$before.$field)?;)+
    };
}
pub(super) use keep_growth;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_no_number() {
        assert_eq!(7_i64.grown_since(&3), Some(4));
        assert_eq!(3_i64.grown_since(&7), None);
        assert_eq!(i64::MAX.grown_since(&-1), None, "beyond what can be counted");
        assert_eq!(1.5_f64.grown_since(&1.0), Some(0.5));
        assert_eq!(1.0_f64.grown_since(&1.5), None);
        assert_eq!(f64::NAN.grown_since(&1.0), None);
        assert_eq!(f64::INFINITY.grown_since(&1.0), None);
    }

    #[test]
    fn what_appears_or_goes_has_no_growth() {
        assert_eq!(Some(5_i64).grown_since(&Some(2)), Some(Some(3)));
        assert_eq!(None::<i64>.grown_since(&None), Some(None));
        assert_eq!(Some(5_i64).grown_since(&None), None);
        assert_eq!(None.grown_since(&Some(5_i64)), None);
    }
}
