//! Whether two tokens on one line stand together or apart.

use jrsonnet_lexer::SyntaxKind as Kind;

use super::Level;

/// What the token before was, beyond its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    Code,
    /// A sign that belongs to what follows.
    AfterUnary,
    /// The colon between a condition and its message.
    AssertColon,
}

/// Whether `after` follows `before` without a space. `follows` is the token after `after`.
pub(super) fn joined(before: Kind, place: Place, after: Kind, follows: Option<Kind>, level: &Level) -> bool {
    if place == Place::AfterUnary {
        return true;
    }
    match (before, after) {
        (Kind::L_BRACE, Kind::R_BRACE) => true,
        (Kind::L_BRACE, _) | (_, Kind::R_BRACE) => false,
        (Kind::L_PAREN | Kind::L_BRACK | Kind::DOT, _) => true,
        (_, Kind::R_PAREN | Kind::R_BRACK | Kind::COMMA | Kind::SEMI | Kind::DOT) => true,
        // Slices `[1:4]`, field colons `a: 1`, `a:: 1`, `a+: 1`; a space on both sides for the message of an assertion.
        (_, Kind::COLON) => !level.in_assert,
        (Kind::COLON, _) => place != Place::AssertColon && level.kind == Kind::L_BRACK,
        (_, Kind::PLUS) if follows == Some(Kind::COLON) => true,
        // `f(x=1)`, but `local x = 1`.
        (Kind::ASSIGN, _) | (_, Kind::ASSIGN) => level.kind == Kind::L_PAREN && !level.in_local,
        (Kind::FUNCTION_KW, Kind::L_PAREN) => true,
        (before, Kind::L_PAREN | Kind::L_BRACK) => ends_value(before),
        _ => false,
    }
}

/// Whether a sign is one operand's own.
pub(super) fn is_unary(kind: Kind, before: Option<Kind>) -> bool {
    match kind {
        Kind::NOT | Kind::BIT_NOT => true,
        Kind::PLUS | Kind::MINUS => !before.is_some_and(ends_value),
        _ => false,
    }
}

/// Whether a value may end with this token, so that what follows applies to it.
pub(super) fn ends_value(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::IDENT
            | Kind::FLOAT
            | Kind::STRING_DOUBLE
            | Kind::STRING_SINGLE
            | Kind::STRING_DOUBLE_VERBATIM
            | Kind::STRING_SINGLE_VERBATIM
            | Kind::STRING_BLOCK
            | Kind::R_PAREN
            | Kind::R_BRACK
            | Kind::R_BRACE
            | Kind::DOLLAR
            | Kind::SELF_KW
            | Kind::SUPER_KW
            | Kind::NULL_KW
            | Kind::TRUE_KW
            | Kind::FALSE_KW
    )
}
