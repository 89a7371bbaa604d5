using System.Text.Json.Serialization;
using Bitis.Json;

namespace Bitis.Checkpoints;

/// <summary>The file formats of checkpoints.</summary>
[JsonConverter(typeof(EnumByName<CheckpointFormat>))]
internal enum CheckpointFormat
{
    /// <summary>A JSON header and one block of raw tensors.</summary>
    Safetensors,

    /// <summary>PyTorch since 1.6: a zip archive with a pickle and one file for each storage.</summary>
    TorchZip,

    /// <summary>PyTorch before 1.6: five pickles, then the storages.</summary>
    TorchLegacy,
}
