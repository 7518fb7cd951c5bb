//! Prefixes that are met in the field, tried when none is given.

/// Values of `log_line_prefix`: the default, Debian's, those of the cloud providers, those tools recommend.
pub const USUAL: &[&str] = &[
    "%m [%p] ",
    "%m [%p] %q%u@%d ",
    "%t [%p] ",
    "%t [%p] %q%u@%d ",
    "%t:%r:%u@%d:[%p]:",
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t [%p]: [%l-1] db=%d,user=%u ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: db=%d,user=%u,app=%a,client=%h ",
    "%m [%p]: db=%d,user=%u,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ",
    "%m [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p] %q[user=%u,db=%d,app=%a,client=%h] ",
    "%m [%p] %quser=%u,db=%d,app=%a,client=%h ",
    "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %q%u@%d %a ",
    "%m [%p] [%v] %q%u@%d ",
    "%m [%p] %v %q%u@%d ",
    "%m [%p] %v %q%u@%d/%a ",
    "%m [%p] %v %Q %q%u@%d/%a ",
    "%m [%p] %c %q%u@%d ",
    "%m [%p] %c %q%u@%d/%a ",
    "%m [%p] %c %v %q%u@%d ",
    "%m [%p] %c %v %q%u@%d/%a ",
    "%m [%p] %c %v %Q %q%u@%d ",
    "%m [%p] %c %v %Q %q%u@%d/%a ",
    "%m [%p-%l] %q%u@%d ",
    "%t [%p-%l] %q%u@%d ",
    "%t-%c-",
    "%m-%p-%l-%c-%u@%d-%a-%h ",
    "< %m >",
    "< %m %p %u %d > ",
    "%n [%p] ",
    "%n [%p] %q%u@%d ",
];

#[cfg(test)]
mod tests {
    #[test]
    fn all_compile() {
        for prefix in super::USUAL {
            assert!(super::super::Prefix::compile(prefix).is_ok(), "{prefix}");
        }
    }
}
