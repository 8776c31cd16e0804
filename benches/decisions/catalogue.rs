//! Catalogues of so many actions of which 16 survive the gates for whoever has ordered once.

use std::fmt::Write as _;

/// A placement and its channel: one that the customer is at already, and one that counts as a contact.
pub(crate) const WEB: (&str, &str) = ("home", "web");
pub(crate) const MAIL: (&str, &str) = ("newsletter", "email");

const SURVIVORS: usize = 16;

const POLICY: &str = r"catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: EUR, point: 1, floor: 100}
  groups:
    - {name: help, issue: serve}
    - {name: news, issue: serve, lever: 10}
  channels:
    - {name: web, reach: inbound, pending: 1h}
    - {name: email, reach: outbound, pending: 3d}
  placements:
    - {name: home, channel: web}
    - {name: newsletter, channel: email}
  contact:
    - {scope: all, channels: [email], counts: impression, limit: 64, window: 1d, pause: 0m}
  holdouts: {salt: bench, epoch: 1, universal: 0, random: 0}
actions:
";

/// A catalogue as a file.
pub(crate) fn of(actions: usize) -> String {
    let every = (actions / SURVIVORS).max(1);
    let mut file = POLICY.to_owned();
    for n in 0..actions {
        let survives = n.is_multiple_of(every) && n / every < SURVIVORS;
        let orders = if survives { 1 } else { 1_000 };
        let group = ["help", "news"][n % 2];
        let (points, percent) = (100 + n % 700, 2 + n % 10);
        write!(
            file,
            r#"  - id: action-{n}
    issue: serve
    group: {group}
    channels: [web, email]
    value: {{points: {points}}}
    eligibility:
      - {{name: speaks, rule: 'trait["language"] == "en" || interactions >= 1'}}
    applicability:
      - {{name: has_bought, rule: 'order_count >= {orders}'}}
    suitability:
      - {{name: calm, rule: 'open_complaints == 0'}}
    context:
      - {{name: member, when: 'trait["membership"] == "gold"', points: 20}}
    attribution_days: 7
    prior: {{propensity: 0.{percent:02}, evidence: 50}}
    texts:
      en:
        title: What to do next, the {n}th
        body: A sentence or two that tell the customer what this is about and why it is of use.
        call_to_action: Tell me more
        link: /next/{n}
"#
        )
        .unwrap();
    }
    file
}
