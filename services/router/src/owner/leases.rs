//! What gateways are told of their leases and of their sessions'.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_domain::{GatewayId, Incarnation, Partition, UserId};
use chasqui_log::{Record, Topic};
use chasqui_wire::gateway_record::GatewayRecord;

use super::Owner;
use crate::{Error, gateways::Heard, placing::to_gateway, sessions::Place};

impl Owner<'_> {
    /// Tells gateways that live again to repair, before anything else is pushed to them, and earlier lives that they
    /// are over.
    pub(super) async fn hear(&mut self, records: &[Record]) -> Result<(), Error> {
        let now = self.now();
        let (mut again, mut superseded) = (BTreeSet::new(), BTreeMap::new());
        for record in records {
            match self.table.heartbeat(record, now) {
                Some((gateway, incarnation, Heard::Again)) => {
                    again.insert((gateway, incarnation));
                }
                Some((gateway, _, Heard::Superseded { by })) => {
                    superseded.insert(gateway, by);
                }
                Some((_, _, Heard::Alive)) | None => {}
            }
        }
        // A later heartbeat in the same read may be of a later life.
        again.retain(|(id, incarnation)| self.table.gateways.is_newest(id, *incarnation));
        let (term, partition, up_to) = (self.term, self.of.partition, self.next);
        let repair = |(id, incarnation): (GatewayId, Incarnation)| {
            to_gateway(id, partition, &GatewayRecord::Repair { term, incarnation, partition, up_to }, Vec::new())
        };
        let over =
            |(id, incarnation)| to_gateway(id, partition, &GatewayRecord::Superseded { incarnation }, Vec::new());
        let told = again.iter().cloned().map(repair).chain(superseded.into_iter().map(over));
        self.append(told.collect::<Result<_, _>>()?).await?;
        for (id, _) in &again {
            self.table.gateways.resume(id);
            self.is_saved = false;
        }
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
