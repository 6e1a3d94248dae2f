//! Single-statement operations exist on [`Store`](crate::Store), where they are kept at once, and on
//! [`Transaction`](crate::Transaction), where they are part of the unit. `on_both!` writes them once.

/// `pub async fn name(sql, argument: Type) -> Result<T> { sql.execute(…).await }`, on both types.
macro_rules! on_both {
    ($(
        $(#[$meta:meta])*
        pub async fn $name:ident($sql:ident $(, $argument:ident: $type:ty)* $(,)?) -> $output:ty $body:block
    )*) => {
        impl $crate::Store {
            $(
                $(#[$meta])*
                pub async fn $name(&self $(, $argument: $type)*) -> $output {
                    let $sql = self;
                    $body
                }
            )*
        }

        impl $crate::Transaction {
            $(
                $(#[$meta])*
                pub async fn $name(&mut self $(, $argument: $type)*) -> $output {
                    let $sql = self;
                    $body
                }
            )*
        }
    };
}
