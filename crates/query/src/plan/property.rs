//! Lines below a node in the text format, as the fields other formats have for them.

use super::{
    header::actual,
    tree::{Fields, Tree},
};

/// The fields that `key: value` stands for.
pub(super) fn fields(key: &str, value: &str, out: &mut Fields) {
    let mut put = |key: &str, value: &str| out.push((key.to_owned(), Tree::Text(value.to_owned())));
    match key {
        "Buffers" => buffers(value, &mut put),
        "I/O Timings" => io_times(value, &mut put),
        "WAL" => {
            for word in value.split(' ') {
                match word.split_once('=') {
                    Some(("records", n)) => put("WAL Records", n),
                    Some(("fpi", n)) => put("WAL FPI", n),
                    Some(("bytes", n)) => put("WAL Bytes", n),
                    _ => {}
                }
            }
        }
        "Heap Blocks" => {
            for word in value.split(' ') {
                match word.split_once('=') {
                    Some(("exact", n)) => put("Exact Heap Blocks", n),
                    Some(("lossy", n)) => put("Lossy Heap Blocks", n),
                    _ => {}
                }
            }
        }
        "Sort Method" | "Buckets" | "Batches" | "Planned Partitions" | "Hits" | "Storage" => {
            pairs(key, value, &mut put);
        }
        "Full-sort Groups" | "Pre-sorted Groups" => {
            let group = Tree::Map(sort_groups(value));
            out.push((key.to_owned(), group));
        }
        "actual" => actual(value, &mut put),
        _ => put(key, value),
    }
}

/// `shared hit=1 read=2, local hit=3, temp read=4 written=5`.
fn buffers(value: &str, put: &mut impl FnMut(&str, &str)) {
    for part in value.split(", ") {
        let mut words = part.split(' ');
        let place = match words.next() {
            Some("shared") => "Shared",
            Some("local") => "Local",
            Some("temp") => "Temp",
            _ => continue,
        };
        for word in words {
            let (what, count) = word.split_once('=').unwrap_or_default();
            let what = match what {
                "hit" => "Hit",
                "read" => "Read",
                "dirtied" => "Dirtied",
                "written" => "Written",
                _ => continue,
            };
            put(&format!("{place} {what} Blocks"), count);
        }
    }
}

/// `read=1.0 write=2.0`, from 15 on `shared/local read=1.0, temp read=2.0`, from 17 on `shared read=…, local …`.
fn io_times(value: &str, put: &mut impl FnMut(&str, &str)) {
    for part in value.split(", ") {
        let mut place = "";
        for word in part.split(' ') {
            match word.split_once('=') {
                Some(("read", ms)) => put(&format!("{place}I/O Read Time"), ms),
                Some(("write", ms)) => put(&format!("{place}I/O Write Time"), ms),
                _ => place = if word == "temp" { "Temp " } else { "" },
            }
        }
    }
}

/// `quicksort  Memory: 25kB`, `1024 (originally 2048)  Batches: 1  Memory Usage: 9kB`.
fn pairs(key: &str, value: &str, put: &mut impl FnMut(&str, &str)) {
    let joined = format!("{key}: {value}");
    let is_hash_join = key == "Buckets";
    let is_sort = key == "Sort Method";
    let is_storage = key == "Storage";
    for pair in joined.split("  ") {
        let Some((key, value)) = pair.trim().split_once(": ") else { continue };
        match key {
            "Memory" | "Disk" if is_sort => {
                put("Sort Space Used", value);
                put("Sort Space Type", key);
            }
            "Maximum Storage" => put(key, value.trim_end_matches("kB")),
            _ if is_storage => put(key, value),
            "Buckets" => originally("Hash Buckets", value, put),
            "Batches" if is_hash_join => originally("Hash Batches", value, put),
            "Batches" => put("HashAgg Batches", value),
            "Memory Usage" => put("Peak Memory Usage", value),
            "Hits" | "Misses" | "Evictions" | "Overflows" => put(&format!("Cache {key}"), value),
            _ => put(key, value),
        }
    }
}

/// `1024 (originally 2048)`.
fn originally(key: &str, value: &str, put: &mut impl FnMut(&str, &str)) {
    let (now, before) = value.split_once(" (originally ").unwrap_or((value, value));
    put(key, now);
    put(&format!("Original {key}"), before.trim_end_matches(')'));
}

/// `33  Sort Methods: quicksort, top-N heapsort  Average Memory: 26kB  Peak Memory: 26kB`.
fn sort_groups(value: &str) -> Fields {
    let mut fields = Vec::new();
    for pair in value.split("  ") {
        let Some((key, value)) = pair.trim().split_once(": ") else { continue };
        let peak = |space: &str| {
            let peak = ("Peak Sort Space Used".to_owned(), Tree::Text(value.to_owned()));
            (space.to_owned(), Tree::Map(vec![peak]))
        };
        match key {
            "Sort Method" | "Sort Methods" => {
                fields.push(("Sort Methods Used".to_owned(), Tree::Text(value.to_owned())));
            }
            "Peak Memory" => fields.push(peak("Sort Space Memory")),
            "Peak Disk" => fields.push(peak("Sort Space Disk")),
            _ => {}
        }
    }
    fields
}

/// `Generation 0.5 ms (Deform 0.1 ms), Inlining 0.0 ms, …, Total 3.0 ms` or `Inlining false, Optimization true`.
pub(super) fn phases(value: &str) -> Tree {
    let parts = value.split(", ").filter_map(|part| {
        let (name, rest) = part.trim().split_once(' ')?;
        let value = rest.split(' ').next().unwrap_or(rest);
        Some((name.to_owned(), Tree::Text(value.to_owned())))
    });
    Tree::Map(parts.collect())
}

/// `work_mem = '64kB', jit = 'off'`.
pub(super) fn settings(value: &str) -> Tree {
    let mut fields = Vec::new();
    let mut rest = value;
    while let Some((name, after)) = rest.split_once(" = '") {
        let mut value = String::new();
        rest = after;
        while let Some((part, after)) = rest.split_once('\'') {
            value.push_str(part);
            rest = after;
            let Some(after) = rest.strip_prefix('\'') else { break };
            value.push('\'');
            rest = after;
        }
        let name = name.trim_start_matches([',', ' ']).to_owned();
        fields.push((name, Tree::Text(value)));
    }
    Tree::Map(fields)
}

/// `for constraint fk on child: time=0.1 calls=1`, behind the word `Trigger`.
pub(super) fn trigger(text: &str) -> Option<Tree> {
    let (who, figures) = text.rsplit_once(": ")?;
    let mut fields = Vec::new();
    let mut put = |key: &str, value: &str| {
        fields.push((key.to_owned(), Tree::Text(value.to_owned())));
    };
    let who = format!(" {who}");
    let (who, relation) =
        who.rsplit_once(" on ").map_or((who.as_str(), None), |(w, r)| (w, Some(r)));
    let (name, constraint) =
        who.split_once(" for constraint ").map_or((who, None), |(name, c)| (name, Some(c)));
    put("Trigger Name", name.trim());
    if let Some(constraint) = constraint {
        put("Constraint Name", constraint.trim());
    }
    if let Some(relation) = relation {
        put("Relation", relation.trim());
    }
    let mut has_calls = false;
    for word in figures.split(' ') {
        match word.split_once('=') {
            Some(("time", ms)) => put("Time", ms),
            Some(("calls", calls)) => {
                put("Calls", calls);
                has_calls = true;
            }
            _ => {}
        }
    }
    has_calls.then_some(Tree::Map(fields))
}

/// `time=0.1 ms  output=1kB  format=text`.
pub(super) fn serialization(value: &str) -> Tree {
    let words = value.split(' ').filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        let key = match key {
            "time" => "Time",
            "output" => "Output Volume",
            "format" => "Format",
            _ => return None,
        };
        Some((key.to_owned(), Tree::Text(value.to_owned())))
    });
    Tree::Map(words.collect())
}
