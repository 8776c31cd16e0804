//! What became of offers.

use super::{Api, count, prepare, show::outcome as outcome_shown, validate};
use crate::{
    auth::Caller,
    error::{Error, Violation},
    grpc::validate::reason::{CONFLICTING_CONTENT, MALFORMED, RETRACTED},
    ingest::Outcome as Stored,
    lookup::Who,
    offering::outcomes::{Answer, Kept, Told},
    proto::v1::{
        self, OutcomeEvent, OutcomeReceipt, OutcomeResult, RecordOutcomesRequest,
        RecordOutcomesResponse,
    },
    telemetry::names,
    tenants::Tenant,
};

pub(in crate::grpc) async fn record(
    api: &Api,
    caller: &Caller,
    request: &RecordOutcomesRequest,
) -> Result<RecordOutcomesResponse, Error> {
    let mut wrong = validate::Violations::default();
    let most = validate::offers::MAX_OUTCOMES;
    let items = wrong.take(validate::items("outcomes", request.outcomes.len(), most));
    wrong.finish(items).map_err(Error::Invalid)?;
    let tenant = api.tenants.open(&caller.tenant).await?;
    let mut results = vec![OutcomeResult::default(); request.outcomes.len()];
    let (mut told, mut places) = (Vec::new(), Vec::new());
    for (place, event) in request.outcomes.iter().enumerate() {
        match checked(api, &tenant, event) {
            Ok(one) => {
                told.push(one);
                places.push(place);
            }
            Err(violations) => {
                results[place].receipt = OutcomeReceipt::Rejected.into();
                results[place].violations = violations.into_iter().map(shown).collect();
            }
        }
    }
    let mut position = 0;
    if !told.is_empty() {
        let note = |message| prepare(api, &tenant, message);
        let (answers, written, anchors) = api.desk.tell(&tenant, &told, &note).await?;
        position = written;
        api.committed(anchors).await;
        for ((place, answer), told) in places.into_iter().zip(answers).zip(&told) {
            results[place] = result(answer);
            if results[place].receipt() == OutcomeReceipt::Recorded {
                count::became(&results[place].action_id, told.outcome, &api.desk.labels);
            }
        }
    }
    for result in &results {
        let receipt = result.receipt().as_str_name();
        let receipt = receipt
            .trim_start_matches("OUTCOME_RECEIPT_")
            .to_ascii_lowercase();
        metrics::counter!(names::ACTION_OUTCOMES, "receipt" => receipt).increment(1);
    }
    Ok(RecordOutcomesResponse {
        results,
        token: api.token(&tenant, position, None),
    })
}

fn checked(api: &Api, tenant: &Tenant, event: &OutcomeEvent) -> Result<Told, Vec<Violation>> {
    let context = api.validation(tenant);
    let mut out = validate::Violations::default();
    let happened = out.take(validate::offers::outcome(event, context.now));
    let who = match &event.lookup {
        Some(lookup) => {
            let who = out.take(validate::lookup("lookup", Some(lookup), &context));
            who.map(|who| Some(Who::from(who)))
        }
        None => Some(None),
    };
    let (happened, who) = out.finish(happened.zip(who))?;
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(Told {
        source: event.source.clone(),
        event_id: event.event_id.clone(),
        outcome: happened.outcome,
        at: happened.at,
        decision: some(&event.decision_id),
        action: some(&event.action_id),
        group: some(&event.group),
        who,
        channel: some(&event.channel),
        money: event.money.clone(),
    })
}

fn result(answer: Answer) -> OutcomeResult {
    let mut violations = answer.wrong;
    let wrong = !violations.is_empty();
    let mut refuse = |reason, description: &'static str| {
        violations.push(Violation {
            field: String::new(),
            reason,
            description: description.into(),
        });
    };
    let receipt = match answer.stored {
        _ if wrong => OutcomeReceipt::Rejected,
        None => OutcomeReceipt::Unattributed,
        Some(Kept::AsInteraction(Stored::Recorded { .. }) | Kept::WithOffer { is_new: true }) => {
            OutcomeReceipt::Recorded
        }
        Some(Kept::AsInteraction(Stored::Duplicate) | Kept::WithOffer { is_new: false }) => {
            OutcomeReceipt::Duplicate
        }
        Some(Kept::AsInteraction(Stored::Conflict)) => {
            let what = "this source and event id are recorded with other content";
            refuse(CONFLICTING_CONTENT, what);
            OutcomeReceipt::Conflict
        }
        Some(Kept::AsInteraction(Stored::Retracted)) => {
            refuse(RETRACTED, "this outcome was retracted for good");
            OutcomeReceipt::Rejected
        }
        Some(Kept::AsInteraction(Stored::Outdated | Stored::Refused | Stored::Broken)) => {
            refuse(MALFORMED, "the database cannot store this outcome");
            OutcomeReceipt::Rejected
        }
    };
    OutcomeResult {
        receipt: receipt.into(),
        decision_id: answer.decision,
        action_id: answer.action,
        state: answer
            .state
            .map(|state| outcome_shown(state).into())
            .unwrap_or_default(),
        violations: violations.into_iter().map(shown).collect(),
    }
}

fn shown(violation: Violation) -> v1::Violation {
    v1::Violation {
        field: violation.field,
        reason: violation.reason.to_owned(),
        description: violation.description.into_owned(),
    }
}
