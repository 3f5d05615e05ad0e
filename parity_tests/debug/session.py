"""One target from its text to its report."""

import copy
import sys
import time
from pathlib import Path

import numpy as np
import torch

from parity_tests.debug import guess_inputs, guess_oracle, oracles, probes, specs
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.findings import Finding, Report
from parity_tests.debug.loading import World, evaluate, split_target
from parity_tests.debug.structure import with_dtype
from parity_tests.debug.study import Study
from parity_tests.debug.subject import Subject
from parity_tests.debug.twin import Twin


class Session:
    """Loads the target, finds oracle and inputs, runs the probes."""

    def __init__(self, target, oracle=None, inputs=None, layout=None, seconds=8.0):
        self.began = time.perf_counter()
        self.target, self.asked_oracle, self.asked_inputs = target, oracle, inputs
        self.layout, self.seconds = layout, seconds
        self.report = Report(_words(target))
        self.world, self.twin, self.module = World(), None, None
        self.path, self.expression = None, None
        self.study = None

    def run(self):
        """The report; whatever goes wrong is in it."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the arrays are tiny
        try:
            with np.errstate(all="ignore"):
                self._run()
        except UsageError as error:
            self.report.error = str(error)
        except OwnCodeError as error:
            self._exception(error)
        finally:
            torch.set_num_threads(threads)
            self.close()
        self.report.seconds = time.perf_counter() - self.began
        return self.report

    def close(self):
        self.world.close()
        if self.twin is not None:
            self.twin.close()

    def _exception(self, error, probe="1"):
        where = {"backward": "grad_input", "step": "params"}.get(error.stage, "forward")
        words = f"{type(error.error).__name__}: {error.error} ({error.place}"
        words += f", in {error.function}: {error.code})" if error.code else ")"
        finding = Finding(where, probe, words, cause="exception")
        finding.evidence = {"error": error}
        self.report.findings.append(finding)

    def _run(self):
        subject = self._subject()
        if self.world.stand_ins:
            names = ", ".join(self.world.stand_ins)
            self.report.remark(f"not found, so a stand-in was used: {names}")
        oracle = self._oracle(subject)
        if subject.kind == "optimizer":
            from parity_tests.debug import stepping

            stepping.examine(self, subject, oracle)
            return
        if isinstance(oracle, oracles.OptimizerOracle):
            raise UsageError(f"{subject.name} is not an optimizer, its oracle {oracle.text} is")
        self.study = Study(subject, oracle, self._twin(subject), self.seconds)
        self.study.layout_forced = self.layout
        self.study.report = self.report
        self.study.session = self
        chosen = self._inputs(subject)
        self.study.specs = chosen
        self.report.inputs = [spec.text() for spec in chosen]
        probes.examine(self.study)

    # --- the target ---

    def _subject(self):
        target = self.target
        if isinstance(target, str):
            self.path, self.expression = split_target(target)
            if not self.path.is_file():
                raise UsageError(f"there is no file {self.path}")
            self.module = self.world.load(self.path)
            return self.subject_of(self.expression)
        return self._subject_of_object(target)

    def _subject_of_object(self, target):
        """The subject of an object, a class or a function that makes one."""
        makes = isinstance(target, type) or not hasattr(target, "forward")
        makes = makes and not hasattr(target, "step") if not isinstance(target, type) else makes
        make = target if makes else lambda: copy.deepcopy(target)
        kind = target if isinstance(target, type) else type(target() if makes else target)
        self.expression = f"{kind.__name__}()"
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if file is not None:
            self.path = Path(file).resolve()
            self.world.adopt(self.path, module)
        return Subject(lambda: _in_double(make()), self.world.files, self.expression)

    def subject_of(self, expression):
        """The subject of an expression in the target's file."""

        def make():
            try:
                thing = evaluate(expression, self.module)
            except NameError as error:
                name = getattr(error, "name", None)
                if name and name in expression and not hasattr(self.module, name):
                    raise UsageError(f"there is no {name} in {self.path}") from error
                raise
            return _in_double(thing)

        return Subject(make, self.world.files, expression)

    def _twin(self, subject):
        if self.path is None or "<locals>" in type(subject.pristine).__qualname__:
            return None
        try:
            self.twin = Twin(self.world, self.path)
        except Exception:
            return None
        return self.twin

    # --- the oracle and the inputs ---

    def _oracle(self, subject):
        asked = self.asked_oracle
        if asked is None:
            found = guess_oracle.guess(subject, self.module)
        else:
            found = self._named(asked, subject)
        if found is not None:
            self.report.oracle, self.report.guessed = found.text, found.guessed
        return found

    def _named(self, asked, subject):
        if not isinstance(asked, str):
            return oracles.from_value(asked)
        if asked.strip().isidentifier():
            kind = guess_oracle.torch_class(asked)
            if kind is not None:
                values, _ = guess_oracle.given_arguments(subject, self.module)
                options = guess_oracle.carried(kind, values)
                shown = ", ".join(f"{k}={v!r}" for k, v in (options or {}).items())
                place = "optim" if issubclass(kind, oracles.torch.optim.Optimizer) else "nn"
                shown = f"params, {shown}" if place == "optim" else shown
                return oracles.parse(f"torch.{place}.{kind.__name__}({shown})")
        return oracles.parse(asked)

    def _inputs(self, subject):
        """The specs to use; an oracle that cannot take the target's case is dropped."""
        study = self.study
        if self.asked_inputs:
            chosen = [specs.from_argument(value) for value in self.asked_inputs]
            study.main = study.case(chosen)
            study.yours(study.main)
            self._attach(study.main, must=True)
            return chosen
        module = getattr(study.oracle, "module", None)
        failures, fallback = [], None
        losses = guess_inputs.Hints(subject).is_loss
        began = time.process_time()
        for chosen in guess_inputs.candidates(subject, module):
            if time.process_time() - began > 3 and fallback:
                break
            try:
                case = study.case(chosen)
                outputs, _, _ = study.yours(case)
            except OwnCodeError as error:
                failures.append((error, chosen))
                continue
            if not outputs or not all(np.isfinite(out).all() for out in outputs):
                continue
            study.main = case
            if study.oracle is None:
                return chosen
            try:
                score = study.attach_oracle(case)
            except UsageError:
                fallback = fallback or (chosen, case, None)
                continue
            # Neither a narrower kind of values nor a single vector must hide where they differ.
            plain = losses or all(spec.kind == "normal" for spec in chosen)
            comparable = fallback is not None and fallback[2] is not None and fallback[2][0] < 1e12
            fewer = comparable and len(chosen[0].shape) == 1 < len(fallback[0][0].shape)
            if score < 1e-6 and (fallback is None or (plain and not fewer)):
                return self._said(chosen)
            state = (chosen, case, (score, study.oracle.layout, study.oracle.mapping))
            if fallback is None or fallback[2] is None or fallback[2][0] >= 1e12 > score:
                fallback = state
        if fallback is None:
            raise self._no_inputs(failures)
        chosen, study.main, attached = fallback
        if attached is None:
            self._drop_oracle("cannot take the target's inputs")
        else:
            _, study.oracle.layout, study.oracle.mapping = attached
        return self._said(chosen)

    def _no_inputs(self, failures):
        own = [error for error, _ in failures if not error.shape_like]
        backward = [error for error, _ in failures if error.stage == "backward"]
        if own or backward:
            return (own or backward)[0]
        if failures:
            error, chosen = failures[0]
            tried = ", ".join(spec.text() for spec in chosen)
            return UsageError(
                f"no guessed input suits forward (with {tried}: {error} at {error.place}); "
                "give one with --input for each input"
            )
        return UsageError("no guessed input gives finite outputs; give --input for each input")

    def _attach(self, case, must=False):
        study = self.study
        if study.oracle is None:
            return
        try:
            score = study.attach_oracle(case)
        except UsageError as error:
            if study.oracle.guessed:
                self._drop_oracle(str(error))
                return
            if "parameters" in str(error):
                self._drop_oracle(str(error))
                return
            raise UsageError(f"the oracle {study.oracle.text} does not fit: {error}") from error
        if score >= 1e12 and study.oracle.guessed:
            self._drop_oracle("gives outputs of another shape")
            return
        self._said(None)

    def _drop_oracle(self, why):
        oracle = self.study.oracle
        self.report.remark(f"the oracle {oracle.text} was not used: {why}")
        self.study.oracle = None
        self.report.oracle = None

    def _said(self, chosen):
        oracle = self.study.oracle
        mapping = getattr(oracle, "mapping", None)
        if oracle is not None and mapping is not None and len(mapping) and not mapping.plain:
            names = self.study.main.start.param_names
            names = [n or f"params[{i}]" for i, n in enumerate(names)]
            weights = [name for name, _ in oracle.module.named_parameters()]
            self.report.remark(f"parameters matched as {mapping.words(names, weights)}")
        if oracle is not None and oracle.layout not in (None, "same"):
            words = {
                "channels": "channels last to channels first",
                "time": "batch and time swapped",
            }
            words = words.get(oracle.layout, oracle.layout)
            self.report.remark(f"layout moved for the oracle: {words}")
        return chosen


def _in_double(thing):
    """Objects built in float32 are studied in float64."""
    from parity_tests.debug.structure import walk

    if any(isinstance(v, np.ndarray) and v.dtype == np.float32 for _, v in walk(thing)):
        return with_dtype(thing, np.float64)
    return thing


def _words(target):
    if isinstance(target, str):
        return target
    return getattr(target, "__name__", None) or type(target).__name__
