"""junit.xml: every gate as a test case, for CI."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation, PolicyVerdict
from twin.evaluation.words import gate_sentence
from twin.kpi.gates import Answer, GateResult


def junit_xml(plan: Plan, found: Evaluation, allow_inconclusive: bool = False) -> str:
    """Return the verdict as JUnit XML.

    The first case is the verdict itself. A gate that is not decided is a failure of type
    ``inconclusive`` unless ``allow_inconclusive``; gates of a policy that the verdict does not
    need (another one holds, and one is enough) are skipped, with what they said.
    """
    suite = ET.Element("testsuite", name=f"rackline evaluate {plan.spec.name}")
    case = ET.SubElement(suite, "testcase", classname=plan.spec.name, name="verdict")
    _answer(case, found.verdict.answer, found.verdict.headline, allow_inconclusive)
    for policy in found.verdict.policies:
        for result in policy.gates:
            _gate(suite, plan, found, policy, result, allow_inconclusive)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(c.find("failure") is not None for c in cases)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(c.find("skipped") is not None for c in cases)))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
    )


def _gate(
    suite: ET.Element,
    plan: Plan,
    found: Evaluation,
    policy: PolicyVerdict,
    result: GateResult,
    allow_inconclusive: bool,
) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{plan.spec.name}.{policy.name}",
        name=result.gate.describe(),
    )
    text = f"{gate_sentence(result)}; {result.why}"
    holds = found.verdict.answer is Answer.HOLDS
    if holds and policy.answer is not Answer.HOLDS and result.answer is not Answer.HOLDS:
        message = f"not needed: another policy holds; this one: {result.answer}"
        ET.SubElement(case, "skipped", message=message).text = text
        return
    _answer(case, result.answer, text, allow_inconclusive)


def _answer(case: ET.Element, answer: Answer, text: str, allow_inconclusive: bool) -> None:
    if answer is Answer.FAILS:
        ET.SubElement(case, "failure", type="fails", message=text)
    elif answer is Answer.INCONCLUSIVE and allow_inconclusive:
        ET.SubElement(case, "skipped", message=f"inconclusive, allowed: {text}")
    elif answer is Answer.INCONCLUSIVE:
        ET.SubElement(case, "failure", type="inconclusive", message=text)
