//! What is measured when somebody looks: pools, queues, the read model and the disk.

use std::sync::PoisonError;

use crate::state::App;

impl App {
    /// Returns the text that `/metrics` serves.
    pub fn render_metrics(&self) -> Vec<u8> {
        let metrics = &self.metrics;
        let _alone = metrics.rendering.lock().unwrap_or_else(PoisonError::into_inner);
        for (pool, use_) in self.db.usage() {
            let connections = &metrics.database.connections;
            connections.with_label_values(&[pool, "open"]).set(whole(use_.open));
            connections.with_label_values(&[pool, "in_use"]).set(whole(use_.in_use));
            connections.with_label_values(&[pool, "most"]).set(whole(use_.most));
            metrics.waiting.with_label_values(&[&format!("{pool} connection")]).set(whole(use_.waiting));
            let (acquired, waited) = (&metrics.database.acquired, &metrics.database.acquire_seconds);
            let (acquired, waited) = (acquired.with_label_values(&[pool]), waited.with_label_values(&[pool]));
            acquired.inc_by(use_.acquired - acquired.get());
            waited.inc_by(use_.waited.as_secs_f64() - waited.get());
        }
        metrics.waiting.with_label_values(&["turn to write"]).set(whole(self.turns.waiting()));
        metrics.waiting.with_label_values(&["turn to ask about usage"]).set(whole(self.questions.waiting()));
        metrics.waiting.with_label_values(&["usage events"]).set(whole(self.writer.waiting()));
        let lag = |(organization_id, sequence)| self.tenants.known_sequence(organization_id).map(|now| now - sequence);
        metrics.read_model_lag.set(self.read_model.sequences().filter_map(lag).map(|lag: i64| lag.max(0)).sum());
        metrics.storage_full.set(i64::from(self.storage.is_full()));
        if let Some(sizes) = self.storage.sizes() {
            for (of, bytes) in [("free", sizes.free), ("database", sizes.database), ("log", sizes.log)] {
                metrics.storage_bytes.with_label_values(&[of]).set(whole(bytes));
            }
        }
        metrics.render()
    }
}

/// A count as Prometheus takes it.
fn whole<T: TryInto<i64>>(count: T) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
