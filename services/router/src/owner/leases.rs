//! What gateways are told of their leases and of their sessions'.

use chasqui_domain::{GatewayId, Incarnation, Partition, UserId};
use chasqui_log::{Record, Topic};
use chasqui_wire::gateway_record::GatewayRecord;

use super::Owner;
use crate::{Error, placing::to_gateway, sessions::Place};

impl Owner<'_> {
    /// Tells gateways that live again to repair, before anything else is pushed to them.
    pub(super) async fn hear(&mut self, records: &[Record]) -> Result<(), Error> {
        let now = self.now();
        let mut again: Vec<(GatewayId, Incarnation)> = Vec::new();
        for record in records {
            // A later heartbeat in the same read may be of a later life.
            if let Some(gateway) = self.table.heartbeat(record, now)
                && !again.contains(&gateway)
            {
                again.push(gateway);
            }
        }
        again.retain(|(id, incarnation)| self.table.gateways.is_newest(id, *incarnation));
        if again.is_empty() {
            return Ok(());
        }
        let (partition, up_to) = (self.of.partition, self.next);
        let repairs = again.iter().map(|(id, incarnation)| {
            let repair = GatewayRecord::Repair { term: self.term, incarnation: *incarnation, partition, up_to };
            to_gateway(id.clone(), partition, &repair, Vec::new())
        });
        self.router.deps.log.append(repairs.collect::<Result<_, _>>()?).await?;
        for (id, _) in &again {
            self.table.gateways.resume(id);
        }
        self.is_saved = false;
        Ok(())
    }

    /// Suspends gateways whose lease has lapsed, once no heartbeat of theirs can be waiting to be read.
    pub(super) async fn judge(&mut self) -> Result<(), Error> {
        if !self.table.gateways.has_lapsed(self.now()) {
            return Ok(());
        }
        let end = self.router.deps.log.bounds(&Topic::Heartbeats.partition(Partition(0))).await?.end;
        while self.heartbeats.next < end {
            let records = self.heartbeats.next(self.router.options.read_bytes_max).await?;
            self.hear(&records).await?;
        }
        let now = self.now();
        self.table.gateways.suspend(now, self.next);
        self.is_saved = false;
        Ok(())
    }

    /// Before anything else is pushed: a session takes what is pushed to its user for all that there is.
    pub(super) async fn tell_forgotten(&self, forgotten: Vec<(UserId, Place)>) -> Result<(), Error> {
        let (term, about) = (self.term, self.of.partition);
        let tell = |(user, Place { gateway, incarnation, session }): (UserId, Place)| {
            to_gateway(gateway, about, &GatewayRecord::Forgotten { term, incarnation, session, user }, Vec::new())
        };
        self.append(forgotten.into_iter().map(tell).collect::<Result<_, _>>()?).await
    }
}
