//! The table of attributes.

use super::{
    Changes, Definition, Form, INTENTS, LABELS, LEAVING_REASONS, OUTCOMES, Parameter as P, Scope,
    TRENDS, Type,
};

const ANY_TEXT: &[&str] = &[];

/// An attribute a line: variant, name and form, type, unit, changes, scope, vocabulary, meaning.
macro_rules! attributes {
    ($($variant:ident $name:literal $form:expr, $kind:ident, $unit:literal, $changes:ident, $scope:ident, $words:expr,
        $meaning:literal;)*) => {
        /// Names an attribute; what its parameters are says [`super::super::Attribute`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AttributeId {
            $(#[doc = $meaning] $variant,)*
        }

        impl AttributeId {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What is said of it.
            #[must_use]
            pub const fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$variant => {
                        const IS: Definition = Definition {
                            name: $name,
                            form: $form,
                            kind: Type::$kind,
                            unit: $unit,
                            meaning: $meaning,
                            changes: Changes::$changes,
                            scope: Scope::$scope,
                            vocabulary: $words,
                        };
                        &IS
                    })*
                }
            }
        }
    };
}

const PLAIN: Form = Form::Plain;

const fn of(parameters: &'static [P]) -> Form {
    Form::Call {
        parameters,
        needed: parameters.len(),
    }
}

attributes! {
    Known "known" PLAIN, Boolean, "", Never, Profile, ANY_TEXT,
        "Whether anything is known about the customer; never missing.";
    Anonymous "anonymous" PLAIN, Boolean, "", Never, Profile, ANY_TEXT,
        "Whether the customer has been seen under no identifier that names a person, but devices and cookies only; never missing.";
    HasIdentifier "has_identifier" of(&[P::Namespace]), Boolean, "", Never, Profile, ANY_TEXT,
        "Whether the profile has an identifier of the namespace; never missing.";
    IdentifierCount "identifier_count" PLAIN, Integer, "identifiers", Never, Profile, ANY_TEXT,
        "Identifiers of the profile; never missing.";
    FirstSeen "first_seen" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the first interaction occurred; `days_since(first_seen)` is the age of the profile. Missing of an unknown customer.";
    LastSeen "last_seen" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the last interaction occurred. Missing of an unknown customer.";
    Trait "trait" Form::Key, Any, "", Never, Profile, ANY_TEXT,
        "The surviving value of a trait, of the type that was recorded. Missing when nothing stated it, or when it is known to have no value.";
    Segment "segment" of(&[P::Segment]), Boolean, "", Never, Profile, ANY_TEXT,
        "Whether the customer is in the segment. Missing while it has not been worked out.";

    Interactions "interactions" PLAIN, Integer, "interactions", Never, Profile, ANY_TEXT,
        "Interactions of all time; never missing.";
    InteractionsByDepartment "interactions_by_department" of(&[P::Department]), Integer, "interactions", Never, Profile, ANY_TEXT,
        "Interactions of all time with the department; never missing, 0 without any.";
    InteractionsByChannel "interactions_by_channel" of(&[P::Channel]), Integer, "interactions", Never, Profile, ANY_TEXT,
        "Interactions of all time through the channel; never missing, 0 without any.";
    InteractionsByType "interactions_by_type" of(&[P::InteractionType]), Integer, "interactions", Never, Profile, ANY_TEXT,
        "Interactions of all time of the type, as \"page.viewed\"; never missing, 0 without any.";
    LastDepartment "last_department" PLAIN, Text, "", Never, Profile, ANY_TEXT,
        "Department of the last interaction. Missing of an unknown customer.";
    LastChannel "last_channel" PLAIN, Text, "", Never, Profile, ANY_TEXT,
        "Channel of the last interaction. Missing of an unknown customer.";
    LastType "last_type" PLAIN, Text, "", Never, Profile, ANY_TEXT,
        "Type of the last interaction. Missing of an unknown customer.";

    OrderCount "order_count" PLAIN, Integer, "orders", Never, Profile, ANY_TEXT,
        "Orders placed and not cancelled; never missing, 0 without any.";
    CancelledOrderCount "cancelled_order_count" PLAIN, Integer, "orders", Never, Profile, ANY_TEXT,
        "Orders cancelled; never missing, 0 without any.";
    OrderDays "order_days" PLAIN, Integer, "days", Never, Profile, ANY_TEXT,
        "Days on which an order that counts was placed; several orders of a day are one. Never missing.";
    FirstOrder "first_order" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the first order that counts was placed. Missing without an order.";
    LastOrder "last_order" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the last order that counts was placed. Missing without an order.";
    Spend "spend" of(&[P::Currency]), Number, "units of the currency", Never, Profile, ANY_TEXT,
        "What orders came to less returns, as 12.50 of EUR or 1980 of JPY; never missing, 0 without any.";
    Returned "returned" of(&[P::Currency]), Number, "units of the currency", Never, Profile, ANY_TEXT,
        "What was given back, as a positive amount; never missing, 0 without any.";

    TicketCount "ticket_count" PLAIN, Integer, "tickets", Never, Profile, ANY_TEXT,
        "Support tickets of all time; never missing, 0 without any.";
    OpenTickets "open_tickets" PLAIN, Integer, "tickets", Never, Profile, ANY_TEXT,
        "Tickets that are open or pending; never missing, 0 without any.";
    OpenComplaints "open_complaints" PLAIN, Integer, "complaints", Hourly, Profile, ANY_TEXT,
        "Open tickets that are complaints, and complaints of the last 7 days that no ticket has taken up; never missing, 0 without any.";
    LastTicket "last_ticket" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the newest ticket was first seen. Missing without a ticket.";
    OpenSince "open_since" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the oldest ticket that is still open was first seen. Missing without an open one.";

    SurveyLatest "survey_latest" of(&[P::Scale]), Integer, "points of the scale", Never, Profile, ANY_TEXT,
        "The latest answer: `nps` 0 to 10, `csat_5` 1 to 5, `csat_7` 1 to 7, `csat_10` 1 to 10, `ces_7` 1 (hard) to 7 (easy). Missing without an answer.";
    SurveyAnswered "survey_answered" of(&[P::Scale]), Time, "", Never, Profile, ANY_TEXT,
        "When the latest answer was given. Missing without an answer.";
    SurveyCount "survey_count" of(&[P::Scale]), Integer, "answers", Never, Profile, ANY_TEXT,
        "Answers of all time; never missing, 0 without any.";
    SurveyMean "survey_mean" of(&[P::Scale]), Number, "points of the scale", Never, Profile, ANY_TEXT,
        "Mean of all answers. Missing without an answer.";
    SurveyRecentMean "survey_recent_mean" of(&[P::Scale, P::Months]), Number, "points of the scale", Daily, Profile, ANY_TEXT,
        "Mean of the answers of so many calendar months, this one among them, in the tenant's time zone. Missing without an answer in them.";

    SentimentLevel "sentiment_level" PLAIN, Number, "-1 (bad) to 1 (good)", Daily, Profile, ANY_TEXT,
        "How the customer feels now: all feelings, each counting half as much after 30 days. Missing while nothing was felt.";
    SentimentEvidence "sentiment_evidence" PLAIN, Number, "feelings", Daily, Profile, ANY_TEXT,
        "To how many fresh feelings the evidence for the level amounts; never missing, 0 without any.";
    SentimentTrend "sentiment_trend" PLAIN, Text, "", Daily, Profile, TRENDS,
        "Where feelings are going; never missing, \"insufficient\" while too little is known.";
    SentimentWorst "sentiment_worst" PLAIN, Number, "-1 (bad) to 1 (good)", Daily, Profile, ANY_TEXT,
        "The lowest feeling of the last 90 days. Missing when nothing was felt in them.";
    LastFeeling "last_feeling" PLAIN, Time, "", Never, Profile, ANY_TEXT,
        "When the last feeling was shown. Missing while nothing was felt.";
    LastLabel "last_label" PLAIN, Text, "", Never, Profile, LABELS,
        "What the last feeling amounts to. Missing while nothing was felt.";
    LastPolarity "last_polarity" PLAIN, Number, "-1 (bad) to 1 (good)", Never, Profile, ANY_TEXT,
        "The last feeling. Missing while nothing was felt.";
    LastIntent "last_intent" PLAIN, Text, "", Never, Profile, INTENTS,
        "What the customer last wanted by a text; of several wants in one text the first in the order of the list beside. Missing while nothing was wanted.";
    Effort "effort" PLAIN, Number, "-1 (easy) to 1 (hard)", Daily, Profile, ANY_TEXT,
        "Mean effort that was spoken of in the last 365 days. Missing when none was.";
    TopicLevel "topic_level" of(&[P::Topic]), Number, "-1 (bad) to 1 (good)", Daily, Profile, ANY_TEXT,
        "1 when no text spoke badly of the topic, -1 when all did. Missing while none spoke of it.";
    SignalCount "signal_count" of(&[P::Signal]), Integer, "texts", Never, Profile, ANY_TEXT,
        "Texts that showed it: an emotion, an intent, \"leaving\", \"safety_or_legal\" or \"topic:\" with a topic; never missing, 0 without any.";
    LastSignal "last_signal" of(&[P::Signal]), Time, "", Never, Profile, ANY_TEXT,
        "When a text last showed it. Missing when none did.";

    PAlive "p_alive" PLAIN, Number, "probability, 0 to 1", Daily, Profile, ANY_TEXT,
        "Probability that they still are a customer (BG/NBD). Missing of who ordered on one day only or never, and without a model.";
    ExpectedOrders "expected_orders" PLAIN, Number, "orders", Daily, Profile, ANY_TEXT,
        "Orders expected within 52 weeks. Missing without an order or a model.";
    LifetimeValue "lifetime_value" PLAIN, Number, "units of the tenant's main currency", Daily, Profile, ANY_TEXT,
        "What these orders are expected to come to. Missing of who ordered on one day only, never, or in another currency, and without a model.";
    RecencyScore "recency_score" PLAIN, Integer, "1 to 5 (most recent)", Daily, Profile, ANY_TEXT,
        "Fifth of the tenant's customers by days since the last order. Missing without an order or a model.";
    FrequencyScore "frequency_score" PLAIN, Integer, "1 to 5 (most orders)", Daily, Profile, ANY_TEXT,
        "Fifth of the tenant's customers by number of orders. Missing without an order or a model.";
    MoneyScore "money_score" PLAIN, Integer, "1 to 5 (most money)", Daily, Profile, ANY_TEXT,
        "Fifth of the tenant's customers by spend less returns, in the currency in which most pay. Missing without an order, of who ordered in another currency, and without a model.";
    LeavingRisk "leaving_risk" PLAIN, Number, "0 to 1", Hourly, Profile, ANY_TEXT,
        "The risk that the customer leaves. Missing when nothing is known that speaks of it.";
    LeavingReason "leaving_reason" PLAIN, Text, "", Hourly, Profile, LEAVING_REASONS,
        "The heaviest reason of this risk. Missing without a reason.";

    Consent "consent" Form::Call { parameters: &[P::Purpose, P::Channel], needed: 1 }, Boolean, "", Never, Profile, ANY_TEXT,
        "Whether consent was granted (true) or denied (false) for the purpose, through the channel or at all. Missing while nothing was said; gates take that as denied.";
    LastContact "last_contact" of(&[P::Channel]), Time, "", Never, Profile, ANY_TEXT,
        "When the business last turned to the customer through the channel. Missing when it never did.";
    Contacts "contacts" of(&[P::Channel, P::Days]), Integer, "contacts", Daily, Profile, ANY_TEXT,
        "How often it did on so many days, today among them; never missing, 0 without any.";
    OffersShown "offers_shown" of(&[P::Action]), Integer, "impressions", Never, Profile, ANY_TEXT,
        "How often the action was shown in the two years before the last decision, exact to 32; never missing, 0 without any.";
    LastOffer "last_offer" of(&[P::Action]), Time, "", Never, Profile, ANY_TEXT,
        "When the action was last shown. Missing when it never was.";
    LastOutcome "last_outcome" of(&[P::Action]), Text, "", Never, Profile, OUTCOMES,
        "What came of the last time of which anything is known. Missing while nothing is.";

    Context "context" Form::Key, Any, "", Never, Call, ANY_TEXT,
        "What the call says of its context, as the page or the category. Missing when it says nothing of it.";
    Channel "channel" PLAIN, Text, "", Never, Call, ANY_TEXT,
        "Channel of the placement that is decided for; never missing in a call.";
    Placement "placement" PLAIN, Text, "", Never, Call, ANY_TEXT,
        "The placement; never missing in a call.";
    Locale "locale" PLAIN, Text, "", Never, Call, ANY_TEXT,
        "Locale of the call, as \"ja-JP\". Missing when the call names none.";
    LocalHour "local_hour" PLAIN, Integer, "0 to 23", Quarterly, Call, ANY_TEXT,
        "Hour in the customer's time zone. Missing when no zone is known.";
    DayOfWeek "day_of_week" PLAIN, Integer, "1 (Monday) to 7 (Sunday)", Quarterly, Call, ANY_TEXT,
        "Day in the customer's time zone. Missing when no zone is known.";
}
