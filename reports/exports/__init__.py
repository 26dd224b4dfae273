"""Runs in the words of other tools.  Pure: values in, texts and bytes out; nothing of this machine is in them."""

from reports.exports.event_files import event_files
from reports.exports.mlflow import file_store
from reports.exports.mlperf import logs, mlperf_log
from reports.exports.model_card import model_card
from reports.exports.told import Told

__all__ = ["Told", "event_files", "file_store", "logs", "mlperf_log", "model_card"]
