//! A decision to be made in a tenant of its own, and everything that it leaves there.

use customer_profile::proto::v1::{
    DecisionOutcome, DecisionPart, MergeProfilesRequest, SeparateIdentifiersRequest,
    UndoDecisionRequest, identity_service_client::IdentityServiceClient,
};
use tonic::{Status, transport::Channel};

use crate::harness::{Service, make, service::of_tenant};

const ANNA: &str = "customer_id=anna";
const COOKIE: &str = "cookie=k";
const MAIL: &str = "email=anna@example.com";
const PHONE: &str = "phone=090-1234-5601";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Voids a separation.
    Merge,
    /// Keeps together what was chosen.
    Separation,
    /// Of a merge that had voided a separation, which comes back.
    Undo,
}

#[derive(Clone, Debug)]
pub struct Story {
    kind: Kind,
    tenant: String,
}

type Client = IdentityServiceClient<Channel>;

/// What a decision left behind, but for the ids of profiles and the time.
#[derive(Debug, PartialEq)]
pub struct Trace {
    outcome: DecisionOutcome,
    /// What would come of the next decision.
    next: DecisionOutcome,
    rows: Vec<String>,
}

impl Story {
    pub fn new(kind: Kind, tenant: String) -> Self {
        Self { kind, tenant }
    }

    /// Records two who are linked and separated; for all but a merge, they are merged again.
    pub async fn begin(&self, service: &Service) {
        for (n, one) in [
            make::order("1", 10, ANNA, "o1", 100),
            make::seen("2", 20, &[ANNA, COOKIE]),
            make::order("3", 5, MAIL, "o2", 200),
            make::seen("4", 30, &[MAIL, PHONE]),
            make::seen("5", 50, &[ANNA, MAIL]),
        ]
        .into_iter()
        .enumerate()
        {
            let results = service.record_of(&self.tenant, vec![one]).await;
            assert!(results[0].violations.is_empty(), "{n}");
        }
        let mut client = service.identities();
        self.separate(&mut client, "before", &[MAIL, PHONE], false)
            .await
            .unwrap();
        if self.kind != Kind::Merge {
            self.merge(&mut client, "between", false).await.unwrap();
        }
    }

    /// The decision.
    pub async fn decide(&self, client: &mut Client) -> Result<DecisionOutcome, Status> {
        match self.kind {
            Kind::Merge => self.merge(client, "it", false).await,
            Kind::Separation => self.separate(client, "it", &[PHONE, COOKIE], true).await,
            Kind::Undo => self.undo(client, "it", "between", false).await,
        }
    }

    /// What would come of taking it back.
    async fn next(&self, client: &mut Client) -> Result<DecisionOutcome, Status> {
        match self.kind {
            Kind::Merge | Kind::Separation => self.undo(client, "next", "it", true).await,
            Kind::Undo => self.merge(client, "next", true).await,
        }
    }

    async fn merge(
        &self,
        client: &mut Client,
        operation: &str,
        dry_run: bool,
    ) -> Result<DecisionOutcome, Status> {
        let request = MergeProfilesRequest {
            operation_id: operation.into(),
            reason: "a test".into(),
            target: make::by(MAIL),
            source: make::by(ANNA),
            dry_run,
        };
        let answer = client
            .merge_profiles(of_tenant(&self.tenant, request))
            .await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    async fn separate(
        &self,
        client: &mut Client,
        operation: &str,
        chosen: &[&str],
        keep_together: bool,
    ) -> Result<DecisionOutcome, Status> {
        let request = SeparateIdentifiersRequest {
            operation_id: operation.into(),
            reason: "a test".into(),
            identifiers: chosen.iter().map(|one| make::identifier(one)).collect(),
            keep_together,
            ..SeparateIdentifiersRequest::default()
        };
        let request = of_tenant(&self.tenant, request);
        let answer = client.separate_identifiers(request).await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    async fn undo(
        &self,
        client: &mut Client,
        operation: &str,
        of: &str,
        dry_run: bool,
    ) -> Result<DecisionOutcome, Status> {
        let request = UndoDecisionRequest {
            operation_id: operation.into(),
            reason: "a test".into(),
            decision_operation_id: of.into(),
            dry_run,
        };
        let answer = client
            .undo_decision(of_tenant(&self.tenant, request))
            .await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    /// What it left, once it was answered; nothing of it may be wrong.
    pub async fn trace(&self, service: &Service, outcome: DecisionOutcome) -> Trace {
        let report = service.verify(&self.tenant).await;
        assert_eq!(report.differences, 0, "{:?}", report.described);
        let mut client = service.identities();
        let again = self.decide(&mut client).await.unwrap();
        assert!(again.repeated);
        assert_eq!(again.parts, outcome.parts);
        Trace {
            outcome: plain(outcome),
            next: plain(self.next(&mut client).await.unwrap()),
            rows: self.rows(service).await,
        }
    }

    /// Every row that a decision writes, without ids and times.
    async fn rows(&self, service: &Service) -> Vec<String> {
        let mut connection = service.database.connect().await;
        sqlx::query_scalar(
            "SELECT concat_ws(' ', 'operation', operation_id, kind, done, finished_at IS NOT NULL)
             FROM operations WHERE tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'decision', operation_id, kind, undone_by IS NOT NULL,
                 cardinality(voided_by), length(body))
             FROM decisions WHERE tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'profile', version, length(members), length(state))
             FROM profiles WHERE tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'change', version, kind) FROM outbox WHERE tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'identity', i.namespace, p.version, i.standing, i.apart, i.present)
             FROM identities AS i JOIN profiles AS p USING (tenant, profile_id)
             WHERE i.tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'side', i.namespace, d.operation_id, s.side)
             FROM sides AS s JOIN decisions AS d USING (tenant, decision_id)
                 JOIN identities AS i USING (tenant, identity_key)
             WHERE s.tenant = $1
             UNION ALL
             SELECT concat_ws(' ', 'assertion', i.namespace, d.operation_id)
             FROM assertions AS a JOIN decisions AS d USING (tenant, decision_id)
                 JOIN identities AS i USING (tenant, identity_key)
             WHERE a.tenant = $1
             ORDER BY 1",
        )
        .bind(&self.tenant)
        .fetch_all(&mut connection)
        .await
        .unwrap()
    }
}

/// An outcome without what is drawn or of the clock.
fn plain(outcome: DecisionOutcome) -> DecisionOutcome {
    DecisionOutcome {
        made_at: None,
        repeated: false,
        parts: outcome
            .parts
            .into_iter()
            .map(|part| DecisionPart {
                profile_id: String::new(),
                ..part
            })
            .collect(),
        ..outcome
    }
}
