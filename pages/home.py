"""Home: what next, and what is in the workspace."""

import streamlit as st

from core.domain.errors import LabelloopError
from core.review.queues import QueueSpec
from dashboard import charts, frame, next_step, results, state
from dashboard.widgets import dataset_card, doors, job_panel, keeping, plot, strip
from dashboard.wording import escaped

FIRST_IMAGES = 8  # of the queue that comes next: one row on a laptop

workspace, dataset = frame.begin()

importing = next((job for job in workspace.jobs() if job.active and job.kind == "import"), None)
if importing is not None:
    job_panel.draw(workspace, importing.name)

if dataset is None:
    if importing is None:
        st.title("Teach a model to tell your images apart", anchor=False)
        st.markdown(
            "**Bring in images → put their labels right → click Retrain → see where the model still errs**, and round "
            "again. All of it on this computer."
        )
        doors.draw(workspace, first=True)
        keeping.draw_away(workspace)
    st.stop()

try:
    suspicious = round(sum(item.score for item in workspace.queue(dataset.name, QueueSpec(kind="suspicious"))))
except LabelloopError:
    suspicious = 0  # there is no finished run to ask
done = results.finished(workspace, dataset.name)
measured = results.measured(workspace, done[0].name) if done else None
split = measured.split if measured else "test"
judged = workspace.evaluation(measured.run, split, labels="now") if measured else None
wrong = judged.samples - judged.correct if judged else 0
step = next_step.choose(dataset, workspace.stale(dataset.name), suspicious=suspicious, wrong=wrong, split=split)
with st.container(border=True, key="next-step"):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f":gray[:small[What next with {escaped(dataset.name)}]]\n"
            f"### :material/{step.icon}: &nbsp;{escaped(step.title)}\n{escaped(step.reason)}",
            width="content",
        )
        if step.act == "retrain":
            training = frame.training(workspace, dataset.name)
            st.button(
                "Training …" if training else step.label,
                key="next-retrain",
                type="primary",
                disabled=training,
                on_click=frame.retrain,
                args=(workspace, dataset.name),
            )
        elif st.button(step.label, key="next-go", type="primary", icon=":material/arrow_forward:"):
            if step.queue is not None:
                state.open_queue(step.queue)
            state.go(step.act, dataset=dataset.name)
    if step.queue is not None:
        strip.draw(dataset, workspace.queue(dataset.name, step.queue), shown=FIRST_IMAGES, rest=False)

st.subheader("In this workspace", anchor=False)
for info in workspace.datasets():
    dataset_card.draw(workspace, info)
keeping.draw_away(workspace)
moments = workspace.understanding.timeline(dataset.name, split) if len(done) > 1 else []
if sum(one.now is not None for one in moments) > 1:
    st.subheader(f"The rounds of {escaped(dataset.name)} so far, on {split}", anchor=False)
    plot.show(
        charts.timeline(moments, template=plot.template()),
        key="home.timeline",
        alt=f"Accuracy on {split} of each run by the number of corrected labels, own labels and labels of now",
    )
doors.draw(workspace, first=False)
