//! The `export!` macro and the cell that holds the one strategy of a component.

/// Makes a component of a strategy. Write it once, at the end of the crate:
/// `hedgerow_sdk::export!(MyStrategy);`. It does nothing in a native build.
#[macro_export]
macro_rules! export {
    ($strategy:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            std::thread_local! {
                static CELL: $crate::guest::Cell<$strategy> = const { $crate::guest::Cell::new() };
            }
            $crate::__implement_guest!(Component, CELL, $strategy);
    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}

/// The body of [`export!`], apart so that the types of the bindings have one home.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_guest {
    ($component:ident, $cell:ident, $strategy:ty) => {
        use $crate::bindings as wit;
        impl wit::Guest for $component {
            fn describe() -> wit::Description {
                $crate::guest::describe::<$strategy>()
            }
            fn init(
                parameters: String,
                instruments: Vec<wit::Instrument>,
                accounts: Vec<wit::Account>,
                saved: Option<wit::SavedState>,
            ) -> Result<(), wit::InitError> {
                $cell.with(|cell| cell.init(&parameters, instruments, accounts, saved))
            }
            fn on_market(header: wit::Header, ticks: Vec<wit::Tick>) -> wit::Outcome {
                $cell.with(|cell| cell.on_market(header, &ticks))
            }
            fn on_event(header: wit::Header, event: wit::Event) -> wit::Outcome {
                $cell.with(|cell| cell.on_event(header, event))
            }
            fn save() -> wit::SavedState {
                $cell.with(|cell| cell.save())
            }
            fn status() -> String {
                $cell.with(|cell| cell.status())
            }
            fn stop(header: wit::Header, reason: u32) -> wit::Outcome {
                $cell.with(|cell| cell.stop(header, reason))
            }
        }
    };
}

#[cfg(target_arch = "wasm32")]
pub use component::{Cell, describe};

#[cfg(target_arch = "wasm32")]
mod component {
    use crate::bindings as wit;
    use crate::convert;
    use crate::runtime::Runtime;
    use crate::strategy::{StopReason, Strategy};
    use std::cell::RefCell;

    /// The strategy of this component, once `init` has made it.
    pub struct Cell<S>(RefCell<Option<Runtime<S>>>);

    impl<S: Strategy> Cell<S> {
        pub const fn new() -> Self {
            Self(RefCell::new(None))
        }

        pub fn init(
            &self,
            parameters: &str,
            instruments: Vec<wit::Instrument>,
            _accounts: Vec<wit::Account>,
            saved: Option<wit::SavedState>,
        ) -> Result<(), wit::InitError> {
            report_panics();
            let instruments = instruments.into_iter().map(convert::instrument).collect();
            let saved = saved.map(convert::saved);
            let made = Runtime::init(parameters, instruments, saved.as_ref());
            *self.0.borrow_mut() = Some(made.map_err(convert::init_error)?);
            Ok(())
        }

        fn with<T>(&self, act: impl FnOnce(&mut Runtime<S>) -> T) -> T {
            match self.0.borrow_mut().as_mut() {
                Some(runtime) => act(runtime),
                None => panic!("called before init"),
            }
        }

        pub fn on_market(&self, header: wit::Header, ticks: &[wit::Tick]) -> wit::Outcome {
            let header = convert::header(header);
            self.with(|r| convert::outcome(r.on_market(&header, convert::ticks(ticks))))
        }

        pub fn on_event(&self, header: wit::Header, event: wit::Event) -> wit::Outcome {
            let header = convert::header(header);
            let event = convert::event(event);
            self.with(|r| convert::outcome(r.on_event(&header, &event)))
        }

        pub fn save(&self) -> wit::SavedState {
            let state = self.with(|r| r.save());
            wit::SavedState { version: state.version, data: state.data }
        }

        pub fn status(&self) -> String {
            self.with(|r| r.status())
        }

        pub fn stop(&self, header: wit::Header, reason: u32) -> wit::Outcome {
            let reason = match reason {
                1 => StopReason::Operator,
                _ => StopReason::Shutdown,
            };
            let header = convert::header(header);
            self.with(|r| convert::outcome(r.stop(&header, reason)))
        }
    }

    /// `describe` of the contract.
    pub fn describe<S: Strategy>() -> wit::Description {
        report_panics();
        convert::description(S::describe())
    }

    fn report_panics() {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|l| l.to_string()).unwrap_or_default();
            let fields = [("at".to_owned(), place)];
            wit::hedgerow::strategy::log::emit(1, &info.to_string(), &fields);
        }));
    }
}
