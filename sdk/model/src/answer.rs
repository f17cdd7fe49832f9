//! What an answer of a venue means, as one table that every venue session uses.
//!
//! Only a word of the venue that proves it makes an order rejected. Whatever leaves open what
//! happened is unknown: the order keeps all it may fill reserved, and is asked for. A question that
//! fails says nothing; least of all that there is nothing.

/// What was asked of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// To take an order.
    Submit,
    /// To cancel or amend one.
    Change,
    /// To tell something.
    Question,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// It did as it was asked.
    Done,
    /// It refused, in so many words, or with a status that proves that it did not take it.
    Refused,
    /// It failed on its side (5xx).
    ServerError,
    /// Nothing came in time.
    Timeout,
    /// The connection was lost before an answer.
    Disconnected,
    /// The request could not be written whole.
    SendFailed,
    /// What came cannot be read.
    Unreadable,
    /// It limits the rate (429, 418) and guarantees that the request was not carried out.
    LimitedUnhandled,
    /// It limits the rate, and says no more.
    Limited,
    /// It knows an order of this id.
    DuplicateId,
    /// It knows no such order.
    UnknownOrder,
}

impl AnswerKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Refused,
        Self::ServerError,
        Self::Timeout,
        Self::Disconnected,
        Self::SendFailed,
        Self::Unreadable,
        Self::LimitedUnhandled,
        Self::Limited,
        Self::DuplicateId,
        Self::UnknownOrder,
    ];
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// As asked.
    Done,
    /// It was not carried out, provably: the order is rejected, or stays as it was.
    Refused,
    /// Nobody knows: the outcome is unknown, and the order is asked for.
    Unknown,
    /// The order is, or was, there: how it stands is asked for.
    AskOrder,
    /// Not found, in answer to a question: it counts by the rules for lost orders.
    NotFound,
    /// The question failed: nothing is known from it.
    QuestionFailed,
}

/// The table.
#[must_use]
pub const fn meaning(request: RequestKind, answer: AnswerKind) -> Meaning {
    use AnswerKind as A;
    use RequestKind as R;
    match (request, answer) {
        (_, A::Done) => Meaning::Done,
        (R::Submit | R::Change, A::Refused | A::LimitedUnhandled) => Meaning::Refused,
        // on whatever it is an answer to: one of this id was taken
        (R::Submit | R::Change, A::DuplicateId) => Meaning::AskOrder,
        // no proof of anything: it may have filled, or not have arrived yet
        (R::Submit | R::Change, A::UnknownOrder) => Meaning::AskOrder,
        (
            R::Submit | R::Change,
            A::ServerError
            | A::Timeout
            | A::Disconnected
            | A::SendFailed
            | A::Unreadable
            | A::Limited,
        ) => Meaning::Unknown,
        (R::Question, A::UnknownOrder) => Meaning::NotFound,
        (R::Question, _) => Meaning::QuestionFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 4.2, row by row.
    #[test]
    fn the_table_of_what_an_answer_means() {
        use AnswerKind as A;
        use Meaning as M;
        let rows = [
            (A::Done, M::Done, M::Done, M::Done),
            (A::Refused, M::Refused, M::Refused, M::QuestionFailed),
            (A::ServerError, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::Timeout, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::Disconnected, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::SendFailed, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::Unreadable, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::LimitedUnhandled, M::Refused, M::Refused, M::QuestionFailed),
            (A::Limited, M::Unknown, M::Unknown, M::QuestionFailed),
            (A::DuplicateId, M::AskOrder, M::AskOrder, M::QuestionFailed),
            (A::UnknownOrder, M::AskOrder, M::AskOrder, M::NotFound),
        ];
        assert_eq!(rows.map(|(answer, ..)| answer), A::ALL);
        for (answer, submit, change, question) in rows {
            let of = |request| meaning(request, answer);
            let all = (of(RequestKind::Submit), of(RequestKind::Change), of(RequestKind::Question));
            assert_eq!(all, (submit, change, question), "{answer:?}");
        }
    }
}
