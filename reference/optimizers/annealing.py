"""Schedules that anneal the learning rate along a curve, once or in cycles (section 6.1.2)."""

import bisect
import math

from reference import _checks
from reference.optimizers.schedules import Schedule


class CosineAnnealingLR(Schedule):
    """Half a cosine from the rate down to `eta_min`, and up again.

    Formula: rate(t) = eta_min + (learning_rate - eta_min) (1 + cos(pi t / T_max)) / 2
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
        ICLR, arXiv 1608.03983.
    PyTorch: torch.optim.lr_scheduler.CosineAnnealingLR, which goes from step to step and so
        rounds differently. After T_max both rise again.
    """

    def __init__(self, learning_rate, T_max, eta_min=0.0):
        super().__init__(learning_rate)
        self.T_max = _checks.check_integer(self, T_max=T_max)
        self.eta_min = _checks.check_number(self, eta_min=eta_min)

    def rate(self, t):
        return self.eta_min + (self.learning_rate - self.eta_min) * self.height(t)

    def height(self, t):
        """From 1 at the start to 0 after T_max steps."""
        # (1 + cos x) / 2 as the square of a sine, which cancels nowhere.
        left = self.T_max - t % (2 * self.T_max)
        return math.sin(math.pi * left / (2 * self.T_max)) ** 2

    def advance(self, rate, t):
        if t == 0:
            return rate
        if (t - 1) % (2 * self.T_max) == self.T_max:
            # From the bottom, where there is no ratio, the first step up is that of the curve.
            return rate + (self.learning_rate - self.eta_min) * self.height(t)
        return self.eta_min + self.height(t) / self.height(t - 1) * (rate - self.eta_min)


class CosineAnnealingWarmRestarts(Schedule):
    """Half cosines from the rate down to `eta_min`, each `T_mult` times longer than the last.

    Formula: rate(t) = eta_min + (learning_rate - eta_min) (1 + cos(pi u / T)) / 2
        with T = T_0 T_mult^k the length of the k-th period and u the steps since its start.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
        ICLR, arXiv 1608.03983.
    PyTorch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts. No difference from its step().
        Its step(epoch) finds k by a logarithm, which may miss a restart by rounding
        (T_mult = 3, k = 5).
    """

    def __init__(self, learning_rate, T_0, T_mult=1, eta_min=0.0):
        super().__init__(learning_rate)
        self.T_0 = _checks.check_integer(self, T_0=T_0)
        self.T_mult = _checks.check_integer(self, T_mult=T_mult)
        self.eta_min = _checks.check_number(self, eta_min=eta_min)

    def rate(self, t):
        period = self.T_0
        if self.T_mult == 1:
            t = t % period
        while t >= period:
            t, period = t - period, period * self.T_mult
        height = (1 + math.cos(math.pi * t / period)) / 2
        return self.eta_min + (self.learning_rate - self.eta_min) * height


class CyclicLR(Schedule):
    """The rate climbs and falls between two bounds, again and again; the momentum contrariwise.

    Formula: rate(t) = base_lr + (max_lr - base_lr) h s
        momentum(t) = max_momentum - (max_momentum - base_momentum) h s
        with h the height of a triangle: 0 at the start of a cycle, 1 after step_size_up steps, 0
        after step_size_down more; and s = 1 for mode "triangular", 1 / 2^(c - 1) in the c-th
        cycle for "triangular2", gamma^t for "exp_range", or scale_fn of c (scale_mode "cycle")
        or t ("iterations").
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number or a function that cannot be called,
        ValueError for an option out of range or a negative t; RuntimeError for the momentum
        without cycle_momentum.
    Book: not in the book; beside section 6.1.2.
    Paper: Smith (2017), Cyclical learning rates for training neural networks,
        DOI 10.1109/WACV.2017.58.
    PyTorch: torch.optim.lr_scheduler.CyclicLR. No difference; the momentum is given, not set: it
        belongs into the group's momentum or the first of its betas.
    """

    def __init__(
        self,
        base_lr,
        max_lr,
        step_size_up=2000,
        step_size_down=None,
        mode="triangular",
        gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=True,
        base_momentum=0.8,
        max_momentum=0.9,
    ):
        super().__init__(_checks.check_number(self, base_lr=base_lr))
        self.max_lr = _checks.check_number(self, max_lr=max_lr)
        self.step_size_up = _checks.check_positive(self, step_size_up=step_size_up)
        if step_size_down is None:
            step_size_down = step_size_up
        self.step_size_down = _checks.check_nonnegative(self, step_size_down=step_size_down)
        gamma = _checks.check_number(self, gamma=gamma)
        _checks.check_choice(self, ("triangular", "triangular2", "exp_range"), mode=mode)
        _checks.check_choice(self, ("cycle", "iterations"), scale_mode=scale_mode)
        # The scale of a mode, and what it is a function of.
        self.scale, self.scale_mode = {
            "triangular": (lambda cycle: 1.0, "cycle"),
            "triangular2": (lambda cycle: 1 / 2.0 ** (cycle - 1), "cycle"),
            "exp_range": (lambda t: gamma**t, "iterations"),
        }[mode]
        if scale_fn is not None:
            self.scale = _checks.check_callable(self, scale_fn=scale_fn)
            self.scale_mode = scale_mode
        self.cycle_momentum = _checks.check_flag(self, cycle_momentum=cycle_momentum)
        self.base_momentum = _checks.check_number(self, base_momentum=base_momentum)
        self.max_momentum = _checks.check_number(self, max_momentum=max_momentum)

    def rate(self, t):
        return self.learning_rate + self.height(self.max_lr - self.learning_rate, t)

    def momentum(self, t):
        """The momentum of step t."""
        _checks.check_enabled(self, "momentum", cycle_momentum=self.cycle_momentum)
        return self.max_momentum - self.height(self.max_momentum - self.base_momentum, t)

    def height(self, amplitude, t):
        """The height at step t of triangles of this amplitude."""
        total = self.step_size_up + self.step_size_down
        summit = self.step_size_up / total
        cycle = math.floor(1 + t / total)
        place = 1.0 + t / total - cycle
        height = place / summit if place <= summit else (place - 1) / (summit - 1)
        return amplitude * height * self.scale(cycle if self.scale_mode == "cycle" else t)


class OneCycleLR(Schedule):
    """One climb to `max_lr` and a long descent; the momentum falls and climbs.

    Formula: rate: from max_lr / div_factor to max_lr in the first pct_start of the steps, then to
        max_lr / div_factor / final_div_factor; momentum: from max_momentum to base_momentum and
        back. With three_phase, as long a descent to max_lr / div_factor stands between, and the
        momentum is back after it.
        Between a and b, at the part u of the way: b + (a - b) (1 + cos(pi u)) / 2 for
        anneal_strategy "cos", a + (b - a) u for "linear".
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for an option out of range or a
        step after the last; RuntimeError for the momentum without cycle_momentum.
    Book: not in the book; beside section 6.1.2.
    Paper: Smith, Topin (2018), Super-convergence: very fast training of neural networks using
        large learning rates, arXiv 1708.07120, which has the three phases.
    PyTorch: torch.optim.lr_scheduler.OneCycleLR. No difference: step total_steps, one beyond the
        last, is allowed, and there the cosine turns back. Where a phase ends in step 0 PyTorch
        divides by zero; here it is over. The momentum is given, not set: it belongs into the
        group's momentum or the first of its betas.
    """

    def __init__(
        self,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
    ):
        if total_steps is None:
            epochs = _checks.check_integer(self, epochs=epochs)
            total_steps = epochs * _checks.check_integer(self, steps_per_epoch=steps_per_epoch)
        else:
            _checks.check_absent(self, "beside total_steps", method="__init__", epochs=epochs)
            spare = {"steps_per_epoch": steps_per_epoch}
            _checks.check_absent(self, "beside total_steps", method="__init__", **spare)
        self.total_steps = _checks.check_integer(self, total_steps=total_steps)
        max_lr = _checks.check_nonnegative(self, max_lr=max_lr)
        initial_lr = max_lr / _checks.check_positive(self, div_factor=div_factor)
        min_lr = initial_lr / _checks.check_positive(self, final_div_factor=final_div_factor)
        super().__init__(initial_lr)
        low = _checks.check_number(self, base_momentum=base_momentum)
        high = _checks.check_number(self, max_momentum=max_momentum)
        self.cycle_momentum = _checks.check_flag(self, cycle_momentum=cycle_momentum)
        self.anneal = {"cos": anneal_by_cosine, "linear": anneal_in_line}[
            _checks.check_choice(self, ("cos", "linear"), anneal_strategy=anneal_strategy)
        ]
        # The last step of each phase, and the rates and the momenta between which it goes.
        first = _checks.check_fraction(self, pct_start=pct_start) * self.total_steps - 1
        last = self.total_steps - 1
        self.phases = [
            (first, (initial_lr, max_lr), (high, low)),
            (last, (max_lr, min_lr), (low, high)),
        ]
        if _checks.check_flag(self, three_phase=three_phase):
            second = 2 * pct_start * self.total_steps - 2
            self.phases[1:] = [
                (second, (max_lr, initial_lr), (low, high)),
                (last, (initial_lr, min_lr), (high, high)),
            ]

    def rate(self, t):
        (start, end), _, part = self.phase(t)
        return self.anneal(start, end, part)

    def momentum(self, t):
        """The momentum of step t."""
        _checks.check_enabled(self, "momentum", cycle_momentum=self.cycle_momentum)
        _, (start, end), part = self.phase(t)
        return self.anneal(start, end, part)

    def phase(self, t):
        """The rates and the momenta between which step t lies, and its part of the way."""
        _checks.check_number_within(self, 0, self.total_steps, method="__call__", t=t)
        ends = [end for end, _, _ in self.phases]
        index = bisect.bisect_left(ends[:-1], t)
        end, rates, momenta = self.phases[index]
        begin = ends[index - 1] if index else 0
        return rates, momenta, (t - begin) / (end - begin) if end != begin else 1.0


class SWALR(Schedule):
    """From the rate to `swa_lr` in `anneal_epochs` steps, where it stays.

    Formula: rate(t) = a swa_lr + (1 - a) learning_rate
        with u = min(1, t / anneal_epochs), and a = (1 - cos(pi u)) / 2 for anneal_strategy
        "cos", u for "linear".
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson (2018), Averaging weights leads to
        wider optima and better generalization, UAI, arXiv 1803.05407.
    PyTorch: torch.optim.swa_utils.SWALR, which goes from step to step and so rounds differently.
        With anneal_epochs = 0 both are at swa_lr at once.
    """

    def __init__(self, learning_rate, swa_lr, anneal_epochs=10, anneal_strategy="cos"):
        super().__init__(learning_rate)
        self.swa_lr = _checks.check_number(self, swa_lr=swa_lr)
        self.anneal_epochs = _checks.check_integer(self, minimum=0, anneal_epochs=anneal_epochs)
        _checks.check_choice(self, ("cos", "linear"), anneal_strategy=anneal_strategy)
        self.anneal_strategy = anneal_strategy

    def rate(self, t):
        return self.resume(self.learning_rate, t)

    def share(self, t):
        """How far it has come at step t, from 0 to 1."""
        part = min(1.0, t / self.anneal_epochs) if self.anneal_epochs else 1.0
        return (1 - math.cos(math.pi * part)) / 2 if self.anneal_strategy == "cos" else part

    def advance(self, rate, t):
        before = self.share(t - 1) if t else 0.0
        if before == 1:
            return self.swa_lr
        return self.resume((rate - before * self.swa_lr) / (1 - before), t)

    def resume(self, rate, t):
        share = self.share(t)
        return self.swa_lr * share + rate * (1 - share)


def anneal_by_cosine(start, end, part):
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def anneal_in_line(start, end, part):
    return (end - start) * part + start
