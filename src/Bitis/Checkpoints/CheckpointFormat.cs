using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Checkpoints;

/// <summary>The container formats that weights come in.</summary>
[JsonConverter(typeof(EnumByName<CheckpointFormat>))]
internal enum CheckpointFormat
{
    /// <summary>A JSON header and one block of raw tensors.</summary>
    Safetensors,

    /// <summary>What <c>torch.save</c> writes since PyTorch 1.6: a zip archive with a pickle and one file per
    /// storage.</summary>
    TorchZip,

    /// <summary>What <c>torch.save</c> wrote before: five pickles, then the storages.</summary>
    TorchLegacy,
}
