using Bitis.Data;
using Bitis.Data.BuiltIn;
using Bitis.Execution.Sessions;
using Bitis.Kernels.Dispatch;
using Bitis.Models;
using Bitis.Models.Catalogue;
using Bitis.Quantization;
using Bitis.Tensors;
using Bitis.Tests.Models;
using Bitis.Tests.Quantization;

namespace Bitis.Tests.Runtime;

/// <summary>
/// Many callers of one session: they run side by side, wait in order, and give up when they are told to.
/// </summary>
public sealed class SessionConcurrencyTests
{
    private static readonly VisionModel Model = VimVariants.Load("vim-micro");
    private static readonly FloatTensor Images = MicroModel.Images(Model, 5, seed: 1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2); // only for a test that fails

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Many_callers_get_the_bits_of_a_lone_one(int threads)
    {
        const int Callers = 8, Calls = 6;
        QuantizedModel quantized = MicroModel.Quantize(Model, new() { Method = "minmax" });
        var options = new SessionOptions { Threads = threads };
        using InferenceSession floats = InferenceSession.Create(Model, options);
        using InferenceSession integers = InferenceSession.Create(quantized, options);
        foreach (InferenceSession session in (InferenceSession[])[floats, integers])
        {
            FloatTensor expected = session.Run(Images);
            Task[] callers = [.. Enumerable.Range(0, Callers).Select(caller => OnThread(() =>
            {
                for (int call = 0; call < Calls; call++)
                {
                    int count = 1 + (caller + call) % 5;
                    AssertFirst(expected, session.Run(First(count)));
                }
            }))];
            await Task.WhenAll(callers);
            Assert.InRange(session.Workspaces.Count, 1, CpuEngine.MostCalls);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_long_batch_gives_the_bits_of_its_images_alone(int threads)
    {
        FloatTensor images = MicroModel.Images(Model, 75, seed: 4);
        using InferenceSession session = InferenceSession.Create(Model, new SessionOptions { Threads = threads });
        FloatTensor logits = session.Run(images);
        int length = images.Length / 75, classes = Model.Config.Classes;
        float[] one = new float[classes];
        for (int i = 0; i < 75; i++)
        {
            session.Run(images.Span.Slice(i * length, length), one);
            Assert.Equal(one, logits.Span.Slice(i * classes, classes).ToArray());
        }
    }

    [Fact]
    public void Callers_one_after_the_other_share_one_workspace()
    {
        using InferenceSession session = Create();
        for (int i = 0; i < 3; i++)
            session.Run(Images);
        Assert.Equal(1, session.Workspaces.Count);
    }

    [Fact]
    public async Task Four_calls_run_at_once_and_the_next_ones_wait_their_turn()
    {
        using InferenceSession session = Create();
        WorkspacePool<SessionWorkspace> pool = session.Workspaces;
        SessionWorkspace[] busy = Occupy(session);
        Assert.Equal(4, busy.Distinct().Count());
        Assert.Equal(4, pool.Count);

        var order = new List<string>();
        ValueTask<SessionWorkspace> first = pool.RentAsync(CancellationToken.None);
        Task second = OnThread(() => pool.Return(Noted(pool.Rent(CancellationToken.None), "second")));
        WaitFor(session, calls: 2);
        Task third = Third();
        WaitFor(session, calls: 3);
        Assert.False(first.IsCompleted);

        pool.Return(busy[2]);
        SessionWorkspace lent = await first.AsTask().WaitAsync(Patience);
        Assert.Same(busy[2], lent);
        Assert.Empty(order); // it went to the first, and to nobody else
        pool.Return(lent);
        await Task.WhenAll(second, third).WaitAsync(Patience);
        Assert.Equal(["second", "third"], order);
        Assert.Equal(4, pool.Count);
        Return(session, busy[0], busy[1], busy[3]);

        async Task Third() =>
            pool.Return(Noted(await pool.RentAsync(CancellationToken.None).ConfigureAwait(false), "third"));

        SessionWorkspace Noted(SessionWorkspace workspace, string call)
        {
            lock (order)
                order.Add(call);
            return workspace;
        }
    }

    [Fact]
    public async Task A_call_that_waits_can_be_cancelled_and_takes_nothing_with_it()
    {
        using InferenceSession session = Create();
        FloatTensor expected = session.Run(Images);
        SessionWorkspace[] busy = Occupy(session);
        using var source = new CancellationTokenSource();
        Task[] waiting =
        [
            OnThread(() => session.Run(Images, source.Token)),
            OnThread(() => session.Profile(First(1), source.Token)),
            OnThread(() => session.Classify(Photograph(), cancellationToken: source.Token)),
            session.ClassifyAsync(Photograph(), cancellationToken: source.Token),
        ];
        WaitFor(session, waiting.Length);
        await source.CancelAsync();
        foreach (Task call in waiting)
        {
            OperationCanceledException e =
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Patience));
            Assert.Equal(source.Token, e.CancellationToken);
        }
        Assert.Equal(0, session.Workspaces.Waiting);
        Return(session, busy);
        TensorAssert.Same(expected, session.Run(Images));
        foreach (SessionWorkspace workspace in Occupy(session))
            session.Workspaces.Return(workspace); // all four are there, none was lost
    }

    [Fact]
    public async Task Dispose_waits_for_calls_that_run_and_refuses_all_others()
    {
        InferenceSession session = Create();
        SessionWorkspace[] busy = Occupy(session);
        Task waiting = OnThread(() => session.Run(Images)), waitingToo = session.ClassifyAsync(Photograph());
        WaitFor(session, calls: 2);
        Task dispose = OnThread(session.Dispose), disposeToo = OnThread(session.Dispose);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Patience));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waitingToo.WaitAsync(Patience));
        Assert.Throws<ObjectDisposedException>(() => session.Run(Images));
        Assert.Throws<ObjectDisposedException>(() => session.Profile(First(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => session.ClassifyAsync(Photograph()));

        // The call that runs still has its memory and its weights.
        FloatTensor logits = FloatTensor.Uninitialized([5, Model.Config.Classes]);
        busy[0].Run(Images.Span, logits.Span, WorkerPool.Rent(1), CancellationToken.None);
        Assert.False(dispose.IsCompleted || disposeToo.IsCompleted);
        Return(session, busy);
        await Task.WhenAll(dispose, disposeToo).WaitAsync(Patience);
        using InferenceSession other = Create();
        TensorAssert.Same(other.Run(Images), logits);
    }

    [Fact]
    public async Task Callers_in_the_middle_of_a_dispose_get_an_answer_or_hear_of_it()
    {
        using InferenceSession reference = Create();
        FloatTensor expected = reference.Run(Images);
        for (int round = 0; round < 10; round++)
        {
            InferenceSession session = Create();
            using var started = new CountdownEvent(6);
            int refused = 0;
            Task[] callers = [.. Enumerable.Range(0, 6).Select(_ => OnThread(() =>
            {
                started.Signal();
                try
                {
                    while (true)
                        TensorAssert.Same(expected, session.Run(Images));
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref refused);
                }
            }))];
            started.Wait();
            session.Dispose();
            await Task.WhenAll(callers).WaitAsync(Patience);
            Assert.Equal(6, refused);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Fewer_threads_than_a_session_has_give_the_same_bits(int threads)
    {
        using InferenceSession session = InferenceSession.Create(Model, new SessionOptions { Threads = 4 });
        FloatTensor expected = session.Run(Images), logits = FloatTensor.Uninitialized(expected.Shape);
        using var pool = new WorkerPool(threads);
        SessionWorkspace workspace = session.Workspaces.Rent(CancellationToken.None);
        workspace.Run(Images.Span, logits.Span, pool, CancellationToken.None);
        session.Workspaces.Return(workspace);
        TensorAssert.Same(expected, logits);
    }

    [Fact]
    public async Task Asynchronous_answers_are_those_of_a_lone_call()
    {
        VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
        using InferenceSession session = InferenceSession.Create(model);
        using var source = new BuiltInImageSource(BuiltInSplit.Test, count: 12);
        PixelImage[] images = [.. Enumerable.Range(0, source.Count).Select(source.Read)];
        IReadOnlyList<Prediction>[] expected = [.. images.Select(image => session.Classify(image, count: 3))];
        Assert.Equal(expected, await Task.WhenAll(images.Select(image => session.ClassifyAsync(image, count: 3))));
        Assert.Equal(expected, await session.ClassifyAsync(images, count: 3));
        Assert.Empty(await session.ClassifyAsync([]));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => session.ClassifyAsync(images, cancellationToken: new CancellationToken(canceled: true)));
        Assert.Throws<ArgumentNullException>(() => { _ = session.ClassifyAsync((PixelImage)null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = session.ClassifyAsync((PixelImage[])null!); });
    }

    [Fact]
    public void Making_and_profiling_a_session_can_be_cancelled()
    {
        using var folder = new TempFolder();
        QuantizedModel quantized = MicroModel.Quantize(Model, new() { Method = "minmax" });
        Model.Save(folder["float"]);
        quantized.Save(folder["integer"]);
        var cancelled = new CancellationToken(canceled: true);
        using InferenceSession session = Create();
        Action[] calls =
        [
            () => InferenceSession.Create(Model, cancellationToken: cancelled),
            () => InferenceSession.Create(quantized, cancellationToken: cancelled),
            () => InferenceSession.Load(folder["float"], cancellationToken: cancelled),
            () => InferenceSession.Load(folder["integer"], cancellationToken: cancelled),
            () => InferenceSession.Load(GoldenFiles.Path("vim-micro.pth"), cancellationToken: cancelled),
            () => Model.Save(folder["new"], cancellationToken: cancelled),
            () => session.Profile(First(1), cancelled),
        ];
        foreach (Action call in calls)
            Assert.Throws<OperationCanceledException>(call);
        Assert.False(File.Exists(folder["new"]));
    }

    private static InferenceSession Create() =>
        InferenceSession.Create(Model, new SessionOptions { Threads = 1 });

    /// <summary>Takes all workspaces, as calls that run for long would.</summary>
    private static SessionWorkspace[] Occupy(InferenceSession session) =>
        [.. Enumerable.Range(0, CpuEngine.MostCalls).Select(_ => session.Workspaces.Rent(CancellationToken.None))];

    private static void Return(InferenceSession session, params SessionWorkspace[] workspaces)
    {
        foreach (SessionWorkspace workspace in workspaces)
            session.Workspaces.Return(workspace);
    }

    private static void WaitFor(InferenceSession session, int calls) =>
        Assert.True(SpinWait.SpinUntil(() => session.Workspaces.Waiting == calls, Patience));

    private static Task OnThread(Action call) => Task.Factory.StartNew(
        call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static PixelImage Photograph() => PixelImage.Rgb(40, 40, new byte[40 * 40 * 3]);

    private static FloatTensor First(int count) => FloatTensor.From(
        Model.Config.InputShape.Prepend(count), Images.Span[..(Images.Length / 5 * count)]);

    private static void AssertFirst(FloatTensor expected, FloatTensor actual) =>
        Assert.Equal(expected.Span[..actual.Length].ToArray(), actual.Span.ToArray());
}
