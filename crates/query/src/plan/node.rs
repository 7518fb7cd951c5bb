//! One node from its fields.

use dbvitals_model::plan::{
    Actual, Buffers, Estimate, HashAggregate, HashTable, HeapBlocks, Memoize, Node, Sort, Wal,
    Worker,
};

use super::tree::{Fields, Tree};

/// What belongs to the node, but where depends on all of its fields.
#[derive(Debug, Default)]
pub(super) struct Rest {
    actual: Actual,
    has_actual: bool,
    estimate: Estimate,
    has_estimate: bool,
    buffers: Buffers,
    wal: Wal,
    hash: HashTable,
    aggregate: HashAggregate,
    memoize: Memoize,
    heap_blocks: HeapBlocks,
    sort: Sort,
    peak_kb: u64,
}

/// A node, and the fields of its children.
pub(super) fn node(fields: Fields) -> (Node, Vec<Fields>) {
    let mut node = Node::default();
    let mut rest = Rest::default();
    let mut children = Vec::new();
    for (key, value) in fields {
        match key.as_str() {
            "Plans" => children = value.into_items().into_iter().map(Tree::into_fields).collect(),
            "Workers" => {
                for worker in value.into_items() {
                    add_worker(&mut node, &mut rest, worker.into_fields());
                }
            }
            _ => set(&mut node, &mut rest, &key, value),
        }
    }
    rest.settle(&mut node);
    (node, children)
}

/// One field of a node.
pub(super) fn set(node: &mut Node, rest: &mut Rest, key: &str, value: Tree) {
    if rest.set(key, &value) {
        return;
    }
    let text = |value: Tree| Some(value.into_text());
    let it = &mut node.conditions;
    match key {
        "Node Type" => node.kind = value.into_text(),
        "Parent Relationship" => node.relationship = text(value),
        "Subplan Name" => node.subplan = text(value),
        "Schema" => node.schema = text(value),
        "Relation Name" => node.relation = text(value),
        "Alias" => node.alias = text(value),
        "Index Name" => node.index = text(value),
        "CTE Name" => node.cte = text(value),
        "Function Name" | "Table Function Name" => node.function = text(value),
        "Operation" | "Command" => node.operation = text(value),
        "Join Type" => node.join_type = text(value),
        "Strategy" => node.strategy = text(value),
        "Partial Mode" => node.partial_mode = text(value).filter(|mode| mode != "Simple"),
        "Scan Direction" => node.is_backward = value.into_text() == "Backward",
        "Parallel Aware" => node.parallel_aware = value.is_true(),
        "Disabled" => node.disabled = value.is_true(),
        "Filter" => it.filter = text(value),
        "Index Cond" => it.index_cond = text(value),
        "Recheck Cond" => it.recheck_cond = text(value),
        "Join Filter" => it.join_filter = text(value),
        "Hash Cond" => it.hash_cond = text(value),
        "Merge Cond" => it.merge_cond = text(value),
        "One-Time Filter" => it.one_time_filter = text(value),
        "TID Cond" => it.tid_cond = text(value),
        "Order By" => it.order_by = text(value),
        "Run Condition" => it.run_condition = text(value),
        "Cache Key" => it.cache_key = text(value),
        "Sort Key" => node.sort_key = value.into_texts(),
        "Presorted Key" => node.presorted_key = value.into_texts(),
        "Group Key" if node.group_key.is_empty() => node.group_key = value.into_texts(),
        "Output" => node.output = value.into_texts(),
        "Heap Fetches" => node.heap_fetches = Some(value.number()),
        "Index Searches" => node.index_searches = Some(value.number()),
        "Workers Planned" => node.workers_planned = Some(value.count()),
        "Workers Launched" => node.workers_launched = Some(value.count()),
        "Subplans Removed" => {
            node.subplans_removed = Some(value.count()).filter(|count| *count > 0);
        }
        "Async Capable" | "Single Copy" if !value.is_true() => {}
        // Only some formats tell it, and nothing depends on it.
        "Inner Unique" => {}
        _ => keep(node, key, value),
    }
}

fn keep(node: &mut Node, key: &str, value: Tree) {
    let text = match value {
        Tree::List(items) if items.iter().all(|item| matches!(item, Tree::Text(_))) => {
            let items: Vec<String> = items.into_iter().map(Tree::into_text).collect();
            items.join(", ")
        }
        other => other.into_text(),
    };
    match node.other.get_mut(key) {
        Some(told) => {
            told.push_str("; ");
            told.push_str(&text);
        }
        None => {
            node.other.insert(key.to_owned(), text);
        }
    }
}

/// A worker's own figures; what only sums make sense of is added to the node's.
fn add_worker(node: &mut Node, rest: &mut Rest, fields: Fields) {
    let mut own = Rest::default();
    let mut worker = Worker::default();
    for (key, value) in fields {
        if key == "Worker Number" {
            worker.number = value.count();
        } else {
            own.set(&key, &value);
        }
    }
    rest.aggregate.batches = rest.aggregate.batches.max(own.aggregate.batches);
    rest.aggregate.disk_kb = rest.aggregate.disk_kb.saturating_add(own.aggregate.disk_kb);
    rest.memoize.hits = rest.memoize.hits.saturating_add(own.memoize.hits);
    rest.memoize.misses = rest.memoize.misses.saturating_add(own.memoize.misses);
    rest.memoize.evictions = rest.memoize.evictions.saturating_add(own.memoize.evictions);
    rest.memoize.overflows = rest.memoize.overflows.saturating_add(own.memoize.overflows);
    rest.heap_blocks.exact = rest.heap_blocks.exact.saturating_add(own.heap_blocks.exact);
    rest.heap_blocks.lossy = rest.heap_blocks.lossy.saturating_add(own.heap_blocks.lossy);
    rest.peak_kb = rest.peak_kb.max(own.peak_kb);
    let mut alone = Node::default();
    own.settle(&mut alone);
    worker.actual = alone.actual;
    worker.sort = alone.sort;
    worker.buffers = alone.buffers;
    node.workers.push(worker);
}

impl Rest {
    /// Takes a field, if it is one of these.
    fn set(&mut self, key: &str, value: &Tree) -> bool {
        self.set_rows(key, value) || self.set_blocks(key, value) || self.set_memory(key, value)
    }

    fn set_rows(&mut self, key: &str, value: &Tree) -> bool {
        match key {
            "Startup Cost" => self.estimate.startup_cost = value.number(),
            "Total Cost" => self.estimate.total_cost = value.number(),
            "Plan Rows" => self.estimate.rows = value.number(),
            "Plan Width" => self.estimate.width = value.count(),
            "Actual Startup Time" => self.actual.startup_ms = Some(value.number()),
            "Actual Total Time" => self.actual.total_ms = Some(value.number()),
            "Actual Rows" => self.actual.rows = value.number(),
            "Actual Loops" => self.actual.loops = value.number(),
            "Rows Removed by Filter" => self.actual.removed.by_filter = value.number(),
            "Rows Removed by Index Recheck" => self.actual.removed.by_recheck = value.number(),
            "Rows Removed by Join Filter" => self.actual.removed.by_join_filter = value.number(),
            _ => return false,
        }
        self.has_actual |= key == "Actual Loops";
        self.has_estimate |= key == "Total Cost";
        true
    }

    fn set_blocks(&mut self, key: &str, value: &Tree) -> bool {
        let it = &mut self.buffers;
        match key {
            "Shared Hit Blocks" => it.shared_hit = value.count(),
            "Shared Read Blocks" => it.shared_read = value.count(),
            "Shared Dirtied Blocks" => it.shared_dirtied = value.count(),
            "Shared Written Blocks" => it.shared_written = value.count(),
            "Local Hit Blocks" => it.local_hit = value.count(),
            "Local Read Blocks" => it.local_read = value.count(),
            "Local Dirtied Blocks" => it.local_dirtied = value.count(),
            "Local Written Blocks" => it.local_written = value.count(),
            "Temp Read Blocks" => it.temp_read = value.count(),
            "Temp Written Blocks" => it.temp_written = value.count(),
            "I/O Read Time" | "Shared I/O Read Time" | "Local I/O Read Time" => {
                it.io.read_ms += value.number();
            }
            "I/O Write Time" | "Shared I/O Write Time" | "Local I/O Write Time" => {
                it.io.write_ms += value.number();
            }
            "Temp I/O Read Time" => it.io.temp_read_ms = value.number(),
            "Temp I/O Write Time" => it.io.temp_write_ms = value.number(),
            "WAL Records" => self.wal.records = value.count(),
            "WAL FPI" => self.wal.full_page_images = value.count(),
            "WAL Bytes" => self.wal.bytes = value.count(),
            "Exact Heap Blocks" => self.heap_blocks.exact = value.count(),
            "Lossy Heap Blocks" => self.heap_blocks.lossy = value.count(),
            _ => return false,
        }
        true
    }

    fn set_memory(&mut self, key: &str, value: &Tree) -> bool {
        match key {
            "Sort Method" => self.sort.method = value.clone().into_text(),
            "Sort Space Used" => self.sort.kb = value.count(),
            "Sort Space Type" => self.sort.on_disk = value.clone().into_text() == "Disk",
            "Full-sort Groups" | "Pre-sorted Groups" => {
                self.add_groups(value.clone().into_fields());
            }
            "Hash Buckets" => self.hash.buckets = value.count(),
            "Original Hash Buckets" => self.hash.original_buckets = value.count(),
            "Hash Batches" => self.hash.batches = value.count(),
            "Original Hash Batches" => self.hash.original_batches = value.count(),
            "Peak Memory Usage" => self.peak_kb = value.count(),
            "Planned Partitions" => self.aggregate.planned_partitions = value.count(),
            "HashAgg Batches" => self.aggregate.batches = value.count(),
            "Disk Usage" => self.aggregate.disk_kb = value.count(),
            "Cache Hits" => self.memoize.hits = value.count(),
            "Cache Misses" => self.memoize.misses = value.count(),
            "Cache Evictions" => self.memoize.evictions = value.count(),
            "Cache Overflows" => self.memoize.overflows = value.count(),
            _ => return false,
        }
        true
    }

    /// The groups of an incremental sort: the worst of them speaks for all.
    fn add_groups(&mut self, fields: Fields) {
        for (key, value) in fields {
            match key.as_str() {
                "Sort Methods Used" => {
                    let methods = value.into_texts().join(", ");
                    if self.sort.method.is_empty() || methods.contains("external") {
                        self.sort.method = methods;
                    }
                }
                "Sort Space Memory" | "Sort Space Disk" => {
                    let peak = value.into_fields().into_iter();
                    let peak = peak.filter(|(name, _)| name == "Peak Sort Space Used");
                    let kb = peak.map(|(_, value)| value.count()).max().unwrap_or(0);
                    let on_disk = key == "Sort Space Disk" && kb > 0;
                    if (on_disk, kb) > (self.sort.on_disk, self.sort.kb) {
                        (self.sort.on_disk, self.sort.kb) = (on_disk, kb);
                    }
                }
                _ => {}
            }
        }
    }

    /// Hands everything to the node. What is nothing in every respect is left away, as some formats do.
    pub(super) fn settle(mut self, node: &mut Node) {
        if self.actual.loops <= 0.0 {
            self.actual.startup_ms = None;
            self.actual.total_ms = None;
        }
        node.actual = self.has_actual.then_some(self.actual);
        node.estimate = self.has_estimate.then_some(self.estimate);
        if node.alias.is_none() {
            node.alias.clone_from(&node.relation);
        }
        if node.operation.as_deref() == Some("Select") {
            node.operation = None;
        }
        if self.hash.original_buckets == 0 {
            self.hash.original_buckets = self.hash.buckets;
        }
        if self.hash.original_batches == 0 {
            self.hash.original_batches = self.hash.batches;
        }
        if self.hash.buckets > 0 {
            self.hash.peak_kb = self.peak_kb;
        } else if self.memoize != Memoize::default() {
            self.memoize.peak_kb = self.peak_kb;
        } else if self.aggregate.batches > 0 {
            self.aggregate.peak_kb = self.peak_kb;
        }
        node.hash = told(self.hash);
        node.memoize = told(self.memoize);
        node.aggregate = told(self.aggregate);
        node.heap_blocks = told(self.heap_blocks);
        node.sort = told(self.sort);
        node.buffers = told(self.buffers);
        node.wal = told(self.wal);
    }
}

fn told<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}
