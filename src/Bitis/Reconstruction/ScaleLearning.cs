using System.Globalization;
using System.Numerics.Tensors;
using Bitis.Quantization.Recipes;

namespace Bitis.Reconstruction;

/// <summary>The steps of the optimizer for one block (JLSS: joint learning of smoothing scale and step size).</summary>
/// <param name="learned">The numbers that are learned.</param>
/// <param name="settings">How.</param>
/// <param name="images">How many images there are.</param>
/// <param name="lossOf">The loss of some images (the first, how many) and, if asked, the gradients.</param>
/// <param name="report">Receives each step and its loss.</param>
internal sealed class ScaleLearning(
    IReadOnlyList<LearnedValues> learned, LearningSettings settings, int images, Func<int, int, bool, double> lossOf,
    Action<int, double> report)
{
    private double _bestLoss;
    private float[][] _best = [];

    /// <summary>Learns, and keeps the values with the lowest loss.</summary>
    public BlockRecord Run(int block)
    {
        double before = lossOf(0, images, false);
        if (!double.IsFinite(before))
        {
            throw new BitisException(
                $"block {block}: before learning, the loss against the float model is {before}, so a value has "
                + "overflowed. Check the weights (bitis inspect) and the images.");
        }
        if (settings.Steps == 0)
            return new BlockRecord(block, before, before, 0, 0);
        Keep(before);
        var optimizer = new ScaleOptimizer(learned, settings);
        int batch = Math.Min(settings.BatchSize ?? images, images), first = 0, step = 0;
        bool wholeBatches = batch == images;
        while (step < settings.Steps)
        {
            int count = Math.Min(batch, images - first);
            double loss = lossOf(first, count, true);
            if (!double.IsFinite(loss) || !GradientsAreFinite())
                return GiveUp(block, before, step, loss);
            if (wholeBatches && loss < _bestLoss)
                Keep(loss);
            optimizer.Step(++step);
            first = first + count == images ? 0 : first + count;
            report(step, loss);
        }
        double after = lossOf(0, images, false);
        if (!double.IsFinite(after))
            return GiveUp(block, before, step, after);
        if (!settings.KeepsBest || after <= _bestLoss)
            return new BlockRecord(block, before, after, step, 0);
        Restore();
        return new BlockRecord(block, before, _bestLoss, step, 0);
    }

    private BlockRecord GiveUp(int block, double before, int step, double loss)
    {
        Restore();
        string what = double.IsFinite(loss)
            ? "a gradient was not finite"
            : string.Create(CultureInfo.InvariantCulture, $"the loss was {loss}");
        return new BlockRecord(
            block,
            before,
            _bestLoss,
            step,
            0,
            $"block {block}: {what} in step {step + 1}; the best scales before it are kept (loss {_bestLoss:G4}). A "
            + "lower learning rate may help.");
    }

    private void Keep(double loss)
    {
        _bestLoss = loss;
        _best = [.. learned.Select(values => (float[])values.Values.Clone())];
    }

    private void Restore()
    {
        foreach ((LearnedValues values, float[] best) in learned.Zip(_best))
            best.CopyTo(values.Values, 0);
    }

    private bool GradientsAreFinite() => learned.All(values => TensorPrimitives.IsFiniteAll<float>(values.Gradient));
}
