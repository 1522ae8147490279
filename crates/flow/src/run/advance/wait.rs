//! What a `wait` waits for, once its expression is known.

use serde_json::Value;

use super::super::state::{Doing, Instance};
use super::super::{Failure, Output};
use super::instance::InstanceEnd;
use super::{Core, name_of, signal_row, time};
use crate::ir::Wait;

impl Core<'_> {
    /// A wait knows now what it waits for.
    pub(super) fn wait(
        &mut self,
        wait: &Wait,
        instance: &mut Instance,
        value: &Value,
    ) -> Option<InstanceEnd> {
        let until = match wait {
            Wait::Duration(_) => time::duration_ms(value).map(|ms| time::after(self.at_ms, ms)),
            Wait::Until(_) => time::instant_ms(value),
            Wait::Signal(_) => {
                let Some(signal) = name_of(value) else {
                    let message = "the name of a signal is a text or number of 1 to 256 characters";
                    return InstanceEnd::failed(Failure::permanent("WAIT_INVALID", message));
                };
                if let Some(number) = self.take_signal(&signal) {
                    let row = signal_row(&signal, number);
                    return InstanceEnd::with(Some(Output::Row(row)));
                }
                instance.doing = Doing::Listening { signal };
                return None;
            }
        };
        match until {
            Ok(until_ms) if until_ms <= self.at_ms => InstanceEnd::with(None),
            Ok(until_ms) => {
                instance.doing = Doing::Sleeping { until_ms };
                None
            }
            Err(message) => InstanceEnd::failed(Failure::permanent("WAIT_INVALID", message)),
        }
    }

    fn take_signal(&mut self, name: &str) -> Option<u32> {
        let numbers = self.state.signals.get_mut(name)?;
        let number = numbers.remove(0);
        if numbers.is_empty() {
            self.state.signals.remove(name);
        }
        Some(number)
    }
}
