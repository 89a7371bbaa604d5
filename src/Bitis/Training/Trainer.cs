using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Data;
using Bitis.Data.Decoding;
using Bitis.Execution.Gradients;
using Bitis.Files;
using Bitis.Kernels.Dispatch;
using Bitis.Models;
using Bitis.Models.Poses;
using Bitis.Models.Segmentation;
using Bitis.Training;
using Bitis.Training.Loop;
using Bitis.Training.Optimization;
using Bitis.Training.Tasks;

namespace Bitis;

/// <summary>Trains a model on labeled images.</summary>
/// <remarks>
/// Results depend only on the recipe, the images and the initial weights. They depend neither on the number of threads,
/// nor on whether the training was stopped and resumed, between epochs or within one.
/// </remarks>
public sealed class Trainer
{
    private readonly TrainingRecipe _recipe;
    private readonly TrainingData _data;
    private readonly TrainingIdentity _identity;
    private readonly TrainingState _state;
    private readonly LearningRateSchedule _schedule;
    private readonly int _stepsPerEpoch;
    private readonly int _threads;
    private long _savedAt;
    private bool _isNew;

    private Trainer(TrainingRecipe recipe, TrainingData data, TrainingFolder folder, VisionModel model, int threads)
    {
        _recipe = recipe;
        _data = data;
        Folder = folder;
        _threads = ThreadCount.Resolve(threads);
        // Images that do not fill a batch are left out; the epoch's order decides which they are.
        _stepsPerEpoch = data.Training.Count / recipe.BatchSize;
        _schedule = LearningRateSchedule.Of(recipe, _stepsPerEpoch);
        IReadOnlyList<string>? names = model.Config is PoseConfig ? null : data.ClassNames;
        _identity = new TrainingIdentity(
            model.Config,
            recipe,
            DataDigest.Of(data.Training),
            data.Validation is null ? null : DataDigest.Of(data.Validation),
            model.Preprocessing == Preprocessing.ForSize(model.Config.ImageSize, model.Config.ImageChannels)
                ? null
                : model.Preprocessing,
            names);
        _state = new TrainingState(names is null ? model : model.WithClassNames(names), recipe);
    }

    /// <summary>Whether images have one class each.</summary>
    private bool HasClasses => Model.Config is not (IDenseConfig or PoseConfig);

    /// <summary>The files of the training.</summary>
    internal TrainingFolder Folder { get; }

    /// <summary>The time between checkpoints within an epoch: the most work that an interruption costs.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The finished epochs.</summary>
    public IReadOnlyList<EpochRecord> Epochs => _state.Position.Finished;

    /// <summary>The epoch with the best accuracy on the validation images; null if none was evaluated.</summary>
    internal EpochRecord? BestEpoch => _state.Position.Best;

    /// <summary>Steps done in the epoch under way.</summary>
    public int StepsOfEpoch => _state.Position.Current.Steps;

    /// <summary>The model with the weights of the last step; further steps change them.</summary>
    public VisionModel Model => _state.Model;

    /// <summary>The layers that do not learn; null if all learn.</summary>
    internal FrozenLayers? Frozen => _state.Frozen;

    /// <summary>
    /// The model with the averaged weights, which is evaluated and saved. Further steps change the weights.
    /// </summary>
    public VisionModel AveragedModel => _state.Model.WithWeights(_state.Average.Weights);

    /// <summary>Prepares a new training.</summary>
    /// <param name="recipe">How to train.</param>
    /// <param name="data">The images.</param>
    /// <param name="folder">The folder for its files; <see cref="Run"/> creates it if it is missing.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. Results do not depend on it.
    /// </param>
    /// <param name="initial">
    /// The initial weights, and the preprocessing of images; null for random weights and the default preprocessing. The
    /// model is not changed.
    /// </param>
    /// <exception cref="BitisException">
    /// The recipe's values, the images and the initial model do not fit each other, or the folder already has a
    /// training.
    /// </exception>
    public static Trainer Create(
        TrainingRecipe recipe, TrainingData data, string folder, int threads = 0, VisionModel? initial = null)
    {
        ModelConfig config = Check(recipe, data, threads);
        recipe.RequireUsed();
        if (initial is not null && initial.Config != config)
        {
            throw new BitisException(
                "The initial model is not of the recipe's architecture, or has another number of classes than the "
                + $"{data.Classes} of the training images (it has {initial.Config.Classes}).");
        }
        var files = new TrainingFolder(folder);
        files.RequireNew();
        VisionModel model = VisionModel.CreateRandom(config, (ulong)recipe.Seed);
        if (initial is not null)
        {
            initial = config is PoseConfig ? initial : KnownHead.InOrder(initial, data.ClassNames);
            foreach ((string name, FloatTensor weight) in initial.Weights)
                weight.Span.CopyTo(model.Weights[name].Span);
            model = model.WithPreprocessing(initial.Preprocessing);
        }
        return new Trainer(recipe, data, files, model, threads) { _isNew = true };
    }

    /// <summary>Prepares to resume a training from its last checkpoint.</summary>
    /// <param name="recipe">The recipe that it was started with (<see cref="RecipeOf"/>).</param>
    /// <param name="data">The images that it was started with.</param>
    /// <param name="folder">The folder of the training.</param>
    /// <param name="threads">
    /// How many threads compute; 0 for one on each processor. Results do not depend on it.
    /// </param>
    /// <param name="cancellationToken">Ends the reading of the checkpoint.</param>
    /// <exception cref="BitisException">
    /// There is no checkpoint, it is damaged, or of another model, recipe or images; the message names the difference.
    /// </exception>
    public static Trainer Resume(
        TrainingRecipe recipe,
        TrainingData data,
        string folder,
        int threads = 0,
        CancellationToken cancellationToken = default)
    {
        ModelConfig config = Check(recipe, data, threads);
        var files = new TrainingFolder(folder);
        files.RequireStarted();
        TrainingCheckpoint checkpoint = TrainingCheckpoint.Open(files.Checkpoint, cancellationToken);
        VisionModel model = VisionModel.CreateRandom(config, (ulong)recipe.Seed);
        if (checkpoint.Identity.Preprocessing is { } preprocessing)
            model = model.WithPreprocessing(preprocessing);
        var trainer = new Trainer(recipe, data, files, model, threads);
        checkpoint.Identity.RequireSame(trainer._identity, files.Checkpoint);
        checkpoint.Restore(trainer._state, recipe.Epochs, trainer._stepsPerEpoch);
        return trainer;
    }

    /// <summary>The recipe that the training in a folder was started with.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Ends the reading of the checkpoint.</param>
    /// <exception cref="BitisException">There is no training, or its checkpoint is damaged.</exception>
    public static TrainingRecipe RecipeOf(string folder, CancellationToken cancellationToken = default)
    {
        var files = new TrainingFolder(folder);
        files.RequireStarted();
        return TrainingCheckpoint.Open(files.Checkpoint, cancellationToken).Identity.Recipe;
    }

    /// <summary>The names of the classes that the training in a folder learns; null if unknown.</summary>
    internal static IReadOnlyList<string>? ClassNamesOf(string folder, CancellationToken cancellationToken) =>
        TrainingCheckpoint.Open(new TrainingFolder(folder).Checkpoint, cancellationToken).Identity.ClassNames;

    /// <summary>Trains to the end. Files are written after each epoch, and in long epochs also within them.</summary>
    /// <param name="progress">Receives the progress after each step.</param>
    /// <param name="cancellationToken">
    /// Stops after the current step and writes a checkpoint, so that the training can be resumed.
    /// </param>
    /// <returns>All epochs.</returns>
    /// <exception cref="BitisException">
    /// The training diverged, an image is damaged, or a file cannot be written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The training was stopped, and a checkpoint was written.</exception>
    public IReadOnlyList<EpochRecord> Run(
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        OutputFolder.Fill(Folder.Path, () => RunInFolder(progress, cancellationToken));
        return Epochs;
    }

    /// <summary>Trains a few steps without any file, to know what they cost. The trainer is of no use then.</summary>
    /// <param name="steps">How many steps; the first is not timed.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    internal StepCosts MeasureSteps(int steps, CancellationToken cancellationToken)
    {
        using var task = TrainingTask.For(Model, _recipe, _data, _threads);
        using var step = new TrainingStep(_recipe, task, _state, _schedule, _stepsPerEpoch, _threads);
        int count = Math.Min(steps * _recipe.BatchSize, _data.Training.Count / _recipe.BatchSize * _recipe.BatchSize);
        ImageSource images = _data.Training.Subset(_data.Order(_recipe.Seed, epoch: 0)[..count]);
        var seconds = new List<double>();
        long began = Stopwatch.GetTimestamp();
        foreach (ImageBatch batch in task.Load(images, epoch: 0, firstPlace: 0, cancellationToken))
        {
            step.Run(batch);
            seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            cancellationToken.ThrowIfCancellationRequested();
            began = Stopwatch.GetTimestamp();
        }
        return new StepCosts(seconds.Skip(1).DefaultIfEmpty(seconds[0]).Min(), step.Bytes);
    }

    private void RunInFolder(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        using var task = TrainingTask.For(Model, _recipe, _data, _threads);
        using var step = new TrainingStep(_recipe, task, _state, _schedule, _stepsPerEpoch, _threads);
        var eta = new EtaEstimator();
        eta.Report(_state.Position.Steps(_stepsPerEpoch), _schedule.Steps, Stopwatch.GetTimestamp());
        Folder.RequireWritable();
        using FileStream trainingHere = Folder.Lock();
        Begin();
        try
        {
            while (Epochs.Count < _recipe.Epochs)
            {
                RunSteps(task, step, eta, progress, cancellationToken);
                FinishEpoch(task, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            Save();
            throw;
        }
        AveragedModel.Save(Folder.FinalModel, Notes(), CancellationToken.None);
    }

    /// <summary>
    /// Writes the first files, so that a full disk fails before an epoch. Then a new training leaves no files.
    /// </summary>
    private void Begin()
    {
        if (_isNew)
            Folder.RequireNew(); // another process may have trained here since
        try
        {
            Save();
        }
        catch when (_isNew)
        {
            Folder.RemoveFiles();
            throw;
        }
        _isNew = false;
    }

    private static ModelConfig Check(TrainingRecipe recipe, TrainingData data, int threads)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(data);
        _ = ThreadCount.Resolve(threads);
        recipe.Validate();
        if (data.Training.Count < recipe.BatchSize)
        {
            throw new BitisException(
                $"{data.Training.Description}: {DisplayText.Count(data.Training.Count, "training image")} cannot fill "
                + $"a batch of {recipe.BatchSize}; use a smaller batch (--batch, batchSize in a recipe) or more "
                + "images.");
        }
        if (recipe.Config is { } given)
            TrainingTask.RequireFit(given, recipe, data); // says more than a number of classes that differs
        ModelConfig config = recipe.ConfigFor(data.Classes);
        TrainingTask.RequireFit(config, recipe, data);
        if (config.ImageChannels is not (1 or PixelImage.RgbChannels))
        {
            throw new BitisException(
                $"{data.Training.Description}: images have 1 or {PixelImage.RgbChannels} channels, and the model takes "
                + $"{config.ImageChannels}. Train a model for 1 or {PixelImage.RgbChannels} channels.");
        }
        return config;
    }

    /// <summary>The steps of the current epoch that are not done yet.</summary>
    private void RunSteps(
        TrainingTask task, TrainingStep step, EtaEstimator eta, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        int done = _state.Position.Current.Steps, batchSize = _recipe.BatchSize;
        if (done == _stepsPerEpoch)
            return;
        int[] order = _data.Order(_recipe.Seed, Epochs.Count)[(done * batchSize)..(_stepsPerEpoch * batchSize)];
        ImageSource images = _data.Training.Subset(order);
        IEnumerable<ImageBatch> batches = task.Load(images, Epochs.Count, done * batchSize, cancellationToken);
        long began = Stopwatch.GetTimestamp();
        foreach (ImageBatch batch in batches)
        {
            StepResult result = step.Run(batch);
            _state.Position = _state.Position with
            {
                Current = _state.Position.Current.With(result, Stopwatch.GetElapsedTime(began).TotalSeconds),
            };
            progress?.Report(Progress(eta));
            cancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(_savedAt) > CheckpointInterval)
                Save();
            began = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Evaluates, and turns the sums into a record.</summary>
    private void FinishEpoch(TrainingTask task, CancellationToken cancellationToken)
    {
        int epoch = Epochs.Count + 1, images = _stepsPerEpoch * _recipe.BatchSize;
        bool evaluates = epoch % _recipe.EvaluationInterval == 0 || epoch == _recipe.Epochs;
        ValidationScores? scores = evaluates && _data.Validation is not null
            ? task.Evaluate(AveragedModel, _data.Validation, cancellationToken)
            : null;
        EpochSums sums = _state.Position.Current;
        long step = _state.Position.Steps(_stepsPerEpoch);
        EpochRecord? best = _state.Position.Best;
        double accuracy = sums.Accuracy(images);
        var record = new EpochRecord(
            epoch,
            step,
            _schedule.At(step - 1),
            sums.Loss / sums.Steps,
            HasClasses ? accuracy : null,
            scores?.Top1,
            sums.GradientNorm / sums.Steps,
            images / sums.Seconds,
            sums.Seconds,
            sums.GradientCosines)
        {
            TrainPixelAccuracy = _data.HasPixelLabels ? accuracy : null,
            ValidationMeanIou = scores?.MeanIou,
            ValidationPixelAccuracy = scores?.PixelAccuracy,
            ValidationLoss = scores?.Pose?.Loss,
            ValidationPositionError = scores?.Pose?.Position,
            ValidationSizeError = scores?.Pose?.Size,
            ValidationAngleError = scores?.Pose?.Angle,
        };
        _state.Position = _state.Position.Next(record);
        if (record.Score is { } score && (best is null || score > best.Score))
            AveragedModel.Save(Folder.BestModel, Notes(), CancellationToken.None);
        Save();
    }

    private TrainingProgress Progress(EtaEstimator eta)
    {
        EpochSums sums = _state.Position.Current;
        long step = _state.Position.Steps(_stepsPerEpoch), images = (long)sums.Steps * _recipe.BatchSize;
        eta.Report(step, _schedule.Steps, Stopwatch.GetTimestamp());
        return new TrainingProgress(
            Epochs.Count + 1,
            _recipe.Epochs,
            step,
            _schedule.Steps,
            _schedule.At(step - 1),
            sums.Loss / sums.Steps,
            HasClasses ? sums.Accuracy(images) : null,
            images / sums.Seconds,
            _state.Position.Best?.ValidationTop1,
            eta.Remaining ?? TimeSpan.Zero)
        {
            PixelAccuracy = _data.HasPixelLabels ? sums.Accuracy(images) : null,
            BestValidationMeanIou = _state.Position.Best?.ValidationMeanIou,
            BestValidationLoss = _state.Position.Best?.ValidationLoss,
        };
    }

    /// <summary>The notes for the model's file: how the model was trained.</summary>
    private Dictionary<string, string> Notes()
    {
        var notes = new Dictionary<string, string>
        {
            ["training_recipe"] = JsonSerializer.SerializeToNode(
                _recipe, TrainingJson.Default.TrainingRecipe)!.ToJsonString(),
            ["training_images"] = _data.Training.Description,
            ["training_epochs"] = Epochs.Count.ToString(CultureInfo.InvariantCulture),
        };
        EpochRecord last = Epochs[^1];
        if (last.Score is null)
            return notes;
        notes["validation_images"] = _data.Validation!.Description;
        Add("validation_top1", last.ValidationTop1);
        Add("validation_mean_iou", last.ValidationMeanIou);
        Add("validation_position_error", last.ValidationPositionError);
        Add("validation_size_error", last.ValidationSizeError);
        Add("validation_angle_error", last.ValidationAngleError);
        return notes;

        void Add(string key, double? value)
        {
            if (value is { } number)
                notes.Add(key, number.ToString(CultureInfo.InvariantCulture));
        }
    }

    private void Save()
    {
        TrainingCheckpoint.Save(Folder.Checkpoint, _identity, _state);
        var log = new TrainingLog(_identity, Epochs);
        log.WriteCsv(Folder.LogCsv);
        log.WriteJson(Folder.LogJson);
        _savedAt = Stopwatch.GetTimestamp();
    }
}
