# Beside bench/import.js: the same rows from the same CSV with Django's bulk_create, in batches of 1000 in one
# transaction, into tables of SQLite with the columns of ours that Django makes itself. It checks nothing beforehand.
#   python3 bench/import-django.py DATABASE tables|users|orders FILE.csv
import csv
import sys
from datetime import datetime, timezone
from decimal import Decimal
from time import time

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[],
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402

BATCH = 1000
NOW = int(time())


class User(models.Model):
    username = models.CharField(max_length=150, unique=True)
    full_name = models.TextField(default="")
    email = models.TextField(default="")
    language = models.CharField(max_length=2, default="en")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    directory_id = models.TextField(null=True, unique=True)
    directory_dn = models.TextField(null=True)
    directory_gone_at = models.BigIntegerField(null=True)
    created_at = models.BigIntegerField()

    class Meta:
        app_label = "bench"


class BillingAddress(models.Model):
    user = models.OneToOneField(User, models.CASCADE, primary_key=True)
    organization = models.TextField(default="")
    street = models.TextField(default="")
    city = models.TextField(default="")
    postal_code = models.TextField(default="")
    country = models.CharField(max_length=2)
    vat_number = models.TextField(default="")
    vat_checked_on = models.DateField(null=True)
    vat_territory = models.TextField(null=True)

    class Meta:
        app_label = "bench"


class Order(models.Model):
    user = models.ForeignKey(User, models.PROTECT)
    product_id = models.BigIntegerField(null=True)
    description = models.TextField(default="")
    currency = models.CharField(max_length=3)
    one_time_price = models.BigIntegerField(default=0)
    recurring_price = models.BigIntegerField(default=0)
    quantity = models.BigIntegerField(default=1)
    recurring_period_seconds = models.BigIntegerField(null=True)
    commitment_periods = models.BigIntegerField(default=1)
    charge = models.CharField(max_length=7, default="advance")
    starts_at = models.BigIntegerField()
    ends_at = models.BigIntegerField(null=True)
    service_ends_at = models.BigIntegerField(null=True)
    not_for_billing = models.BooleanField(default=False)
    closed = models.BooleanField(default=False)
    replaces = models.ForeignKey("self", models.PROTECT, null=True)
    reference = models.CharField(max_length=150, null=True, unique=True)
    created_at = models.BigIntegerField()

    class Meta:
        app_label = "bench"


def make_tables():
    with connection.schema_editor() as editor:
        for model in (User, BillingAddress, Order):
            editor.create_model(model)


def batches(rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def import_users(rows):
    for batch in batches(rows):
        users = [
            User(username=row["username"], full_name=row["full_name"], email=row["email"], created_at=NOW)
            for row in batch
        ]
        User.objects.bulk_create(users, batch_size=BATCH)
        names = [user.username for user in users]
        ids = dict(User.objects.filter(username__in=names).values_list("username", "id"))
        columns = ("organization", "street", "city", "postal_code", "country", "vat_number")
        BillingAddress.objects.bulk_create(
            [
                BillingAddress(user_id=ids[row["username"]], **{column: row[column] for column in columns})
                for row in batch
            ],
            batch_size=BATCH,
        )


def import_orders(rows):
    for batch in batches(rows):
        names = {row["username"] for row in batch}
        ids = dict(User.objects.filter(username__in=names).values_list("username", "id"))
        Order.objects.bulk_create(
            [
                Order(
                    user_id=ids[row["username"]],
                    product_id=1,
                    description=row["description"],
                    currency=row["currency"],
                    one_time_price=price(row["one_time_price"]),
                    recurring_price=price(row["recurring_price"]),
                    quantity=int(row["quantity"]),
                    recurring_period_seconds=2_592_000,
                    starts_at=instant(row["starts_at"]),
                    ends_at=instant(row["ends_at"]) if row["ends_at"] else None,
                    reference=row["reference"],
                    created_at=NOW,
                )
                for row in batch
            ],
            batch_size=BATCH,
        )


def price(text):
    return int(Decimal(text) * 10_000)


def instant(day):
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp())


things = sys.argv[2]
if things == "tables":
    make_tables()
else:
    with open(sys.argv[3], newline="") as file, transaction.atomic():
        {"users": import_users, "orders": import_orders}[things](csv.DictReader(file))
