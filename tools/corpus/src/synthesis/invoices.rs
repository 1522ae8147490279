//! What an invented invoice says: parties, numbers, dates, items and sums that agree to the cent.

use super::{
    parties::{Party, person, place},
    words::Pen,
};
use jiff::{ToSpan, civil::Date};

#[derive(Debug, Clone)]
pub struct Item {
    pub code: String,
    pub description: String,
    pub details: Option<String>,
    /// In hundredths.
    pub quantity: i64,
    pub unit: String,
    pub price: i64,
    pub rate: i64,
    pub amount: i64,
}

/// What is taxed at one rate.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub rate: i64,
    pub net: i64,
    pub tax: i64,
}

#[derive(Debug, Clone)]
pub struct Invoice {
    pub seller: Party,
    pub buyer: Party,
    pub attention: Option<String>,
    /// Where the goods go, if elsewhere.
    pub delivery: Option<(String, String, String)>,
    pub number: String,
    pub date: Date,
    pub due: Option<Date>,
    pub order: Option<String>,
    pub order_date: Option<Date>,
    pub delivery_date: Option<Date>,
    pub customer: Option<String>,
    pub contact: Option<String>,
    pub shows_vat: bool,
    pub shows_iban: bool,
    /// Empty where no tax is asked for.
    pub shares: Vec<Share>,
    pub net: i64,
    pub tax: i64,
    pub total: i64,
    pub items: Vec<Item>,
}

/// Forms of numbers that programs give.
const NUMBERS: [&str; 10] = [
    "######",
    "20##-####",
    "RE-######",
    "INV-20##-###",
    "####/##",
    "A######",
    "20######",
    "F##-#####",
    "##.####",
    "AA####-##",
];
const ORDERS: [&str; 5] = ["PO-#####", "45########", "B-20##-###", "########", "A##/####"];
const CUSTOMERS: [&str; 4] = ["1####", "K-####", "C######", "D####"];

impl Invoice {
    pub fn invent(pen: &mut Pen<'_>) -> Invoice {
        let date = day(pen);
        let after = |pen: &mut Pen<'_>, low, high| date.saturating_add(pen.between(low, high).days());
        let mut some = |percent| pen.chance(percent);
        let (due, order, order_date, delivery_date) = (some(72), some(50), some(30), some(40));
        let (customer, contact, attention, delivery) = (some(55), some(30), some(30), some(15));
        let (shows_vat, shows_iban, taxed) = (some(78), some(72), some(92));
        let items = items(pen);
        let shares = if taxed { shares(&items) } else { Vec::new() };
        let net: i64 = items.iter().map(|item| item.amount).sum();
        let tax: i64 = shares.iter().map(|share| share.tax).sum();
        let (number, customer_number) = (pen.one(&NUMBERS), pen.one(&CUSTOMERS));
        let order_number = pen.one(&ORDERS);
        Invoice {
            seller: Party::invent(pen),
            buyer: Party::invent(pen),
            attention: attention.then(|| person(pen)),
            delivery: delivery.then(|| {
                let (street, town) = place(pen);
                (format!("{} {}", pen.pick("trades"), pen.pick("stems")), street, town)
            }),
            number: pen.fill(number),
            date,
            due: due.then(|| after(pen, 7, 45)),
            order: order.then(|| pen.fill(order_number)),
            order_date: order_date.then(|| after(pen, -40, -3)),
            delivery_date: delivery_date.then(|| after(pen, -6, -1)),
            customer: customer.then(|| pen.fill(customer_number)),
            contact: contact.then(|| person(pen)),
            shows_vat,
            shows_iban,
            shares,
            net,
            tax,
            total: net + tax,
            items,
        }
    }
}

/// A day of the 2020s and early 2030s.
pub fn day(pen: &mut Pen<'_>) -> Date {
    jiff::civil::date(2021, 1, 1).saturating_add(pen.between(0, 4_300).days())
}

fn items(pen: &mut Pen<'_>) -> Vec<Item> {
    let count = match pen.between(0, 9) {
        0 | 1 => pen.between(1, 2),
        2..=7 => pen.between(2, 7),
        8 => pen.between(8, 18),
        _ => pen.between(19, 55),
    };
    let rates: Vec<i64> =
        pen.words.list("rates", pen.frozen).iter().filter_map(|rate| rate.parse().ok()).collect();
    let several = pen.chance(25);
    let detailed = pen.chance(35);
    (0..count)
        .map(|_| {
            let service = pen.chance(22);
            let quantity = if pen.chance(12) { pen.between(2, 40) * 25 } else { pen.between(1, 24) * 100 };
            let price = if service { pen.between(40, 900) * 100 } else { pen.between(60, 24_999) };
            Item {
                code: pen.fill("##-####"),
                description: pen.pick(if service { "services" } else { "goods" }).to_owned(),
                details: (detailed && pen.chance(45)).then(|| pen.pick("details").to_owned()),
                quantity,
                unit: pen.pick("units").to_owned(),
                price,
                rate: if several { pen.one(&rates[..rates.len().min(2)]) } else { rates[0] },
                // Half a cent is rounded up.
                amount: (quantity * price + 50) / 100,
            }
        })
        .collect()
}

fn shares(items: &[Item]) -> Vec<Share> {
    let mut rates: Vec<i64> = items.iter().map(|item| item.rate).collect();
    rates.sort_unstable_by(|a, b| b.cmp(a));
    rates.dedup();
    rates
        .into_iter()
        .map(|rate| {
            let net = items.iter().filter(|item| item.rate == rate).map(|item| item.amount).sum::<i64>();
            Share { rate, net, tax: (net * rate + 50) / 100 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::words, *};
    use crate::random::Random;

    #[test]
    fn sums_agree_to_the_cent() {
        for words in words::all() {
            for seed in 0..40 {
                let invoice =
                    Invoice::invent(&mut Pen { words: &words, random: Random::new(seed), frozen: false });
                assert_eq!(invoice.items.iter().map(|item| item.amount).sum::<i64>(), invoice.net);
                assert_eq!(invoice.net + invoice.tax, invoice.total);
                assert!(
                    invoice.shares.is_empty()
                        || invoice.shares.iter().map(|share| share.net).sum::<i64>() == invoice.net
                );
                assert!(invoice.due.is_none_or(|due| due > invoice.date));
            }
        }
    }
}
